"""Years of follow-up: which lasting illnesses a person has, the clinic visits, the drugs that step up when targets are missed.

Shares by age: epidemiology.csv (prevalence). Steps of treatment: usual Vietnamese outpatient practice, simplified; not advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from longbien.demo import facilities
from longbien.demo.life import Life, Visit
from longbien.demo.starter import by, weights

YEARS_OF_RECORD = 8
Drug = tuple[str, str, str, int]  # line, drug code, how to take, strength


@dataclass(frozen=True, slots=True)
class Illness:
    """`known`: share of those who have it that a hospital knows. `rungs`: each adds to or replaces lines of those before.

    `target`: which measure climbs the ladder ('SBP', 'HBA1C') and its limit.
    """

    text: str
    known: float
    dept: str
    labs: str = ""
    yearly: str = ""
    rungs: tuple[tuple[Drug, ...], ...] = ()
    target: tuple[str, float] | None = None
    every: int = 75
    oldest_onset: int = 14
    variants: tuple[tuple[tuple[Drug, ...], ...], ...] = ()


M1 = "Uống 1 viên/ngày, buổi sáng"
T1 = "Uống 1 viên/ngày, buổi tối"
X2 = "Uống 1 viên/lần, ngày 2 lần"
AFTER = "Uống 1 viên/lần, ngày 2 lần, sau ăn"


def _pressure(ras: str) -> tuple[tuple[Drug, ...], ...]:
    return (
        (("ccb", "amlo5", M1, 1),),
        (("ras", ras, M1, 1),),
        (("ccb", "amlo5", "Uống 2 viên/ngày, buổi sáng", 2),),
        (("diu", "indap15", M1, 1),),
    )


def _sugar(second: Drug) -> tuple[tuple[Drug, ...], ...]:
    return (
        (("met", "metf500", AFTER, 1),),
        (("met", "metf1000", AFTER, 2),),
        (second,),
        (("su", "glicl30", "Uống 2 viên/ngày, trước ăn sáng", 2),),
        (("ins", "insMix", "Tiêm dưới da 14 đơn vị trước ăn sáng, 10 đơn vị trước ăn chiều", 1),),
    )


STATIN: Drug = ("statin", "atorva20", T1, 1)
ILLNESSES: dict[str, Illness] = {
    "I10": Illness(
        "Tăng huyết áp", 0.62, "TM", "LYTES CREA", "LIPID GLU UREA", target=("SBP", 142),
        variants=(_pressure("losar50"), _pressure("telmi40"), _pressure("perin5")),
    ),
    "E11.9": Illness(
        "Đái tháo đường típ 2", 0.72, "NTIET", "GLU HBA1C CREA", "LIPID UACR ALT AST", every=60, target=("HBA1C", 7.3),
        variants=(
            _sugar(("su", "glicl30", "Uống 1 viên/ngày, trước ăn sáng", 1)),
            _sugar(("sglt2", "empa10", M1, 1)),
            _sugar(("dpp4", "sita100", M1, 1)),
        ),
    ),
    "E78.5": Illness(
        "Rối loạn lipid máu", 0.38, "NOI", "", "LIPID ALT AST",
        variants=((((STATIN),),), ((("statin", "rosuva10", T1, 1),),)), every=110,
    ),
    "I25.9": Illness(
        "Bệnh tim thiếu máu cục bộ mạn", 0.75, "TM", "CREA", "LIPID BNPNT",
        ((("anti", "asp81", "Uống 1 viên/ngày, sau ăn trưa", 1), STATIN, ("bb", "bisop25", M1, 1)),),
        every=60, oldest_onset=9,
    ),
    "I50.9": Illness(
        "Suy tim", 0.85, "TM", "LYTES CREA BNPNT", "CBC", every=45, oldest_onset=6,
        rungs=(
            (("loop", "furo40", M1, 1), ("ras", "losar50", M1, 1)),
            (("bb", "bisop25", M1, 1), ("mra", "spiro25", M1, 1)),
            (("sglt2", "empa10", M1, 1),),
        ),
    ),
    "I48": Illness(
        "Rung nhĩ", 0.85, "TM", "CREA", "CBC", every=60, oldest_onset=7,
        variants=(
            ((("oac", "apix5", X2, 1), ("bb", "bisop25", M1, 1)),),
            ((("oac", "rivaro20", "Uống 1 viên/ngày, trong bữa tối", 1), ("bb", "bisop25", M1, 1)),),
            ((("vka", "aceno", "Uống 1/4 viên/ngày, 20 giờ, chỉnh theo INR", 1), ("bb", "metop50", M1, 1)),),
        ),
    ),
    "I69.3": Illness(
        "Di chứng nhồi máu não", 0.85, "TK", "", "LIPID GLU", ((("anti", "clopi75", M1, 1), STATIN),), every=75, oldest_onset=7,
    ),
    "J44.9": Illness(
        "Bệnh phổi tắc nghẽn mạn tính", 0.5, "HH", "", "CBC", every=60, oldest_onset=9,
        rungs=(
            (("saba", "salbu100", "Xịt 2 nhát khi khó thở", 1), ("lama", "tiotro", "Hít 2 nhát/ngày, buổi sáng", 1)),
            (("laba", "budfor", "Hít 2 nhát/lần, ngày 2 lần, súc miệng sau hít", 1),),
        ),
    ),
    "J45.9": Illness(
        "Hen phế quản", 0.45, "HH", "", "CBC", every=85, oldest_onset=8,
        rungs=((("ics", "salflu", "Xịt 2 nhát/lần, ngày 2 lần, súc miệng sau xịt", 1), ("saba", "salbu100", "Xịt 2 nhát khi khó thở", 1)),),
    ),
    "N18.9": Illness("Bệnh thận mạn", 0.35, "THAN", "CREA UREA LYTES", "CBC UACR", every=75, oldest_onset=7),
    "N40": Illness("Phì đại lành tính tuyến tiền liệt", 0.35, "NGOAI", "", "PSA CREA", ((("alpha", "tamsu04", T1, 1),),), every=90),
    "M10.9": Illness(
        "Gout", 0.6, "CXK", "URIC CREA", "ALT", every=80,
        rungs=((("urate", "allo300", "Uống 1 viên/ngày, sau ăn", 1),), (("urate", "febux40", M1, 1),)),
    ),
    "M81.9": Illness(
        "Loãng xương", 0.25, "CXK", "", "CA VITD", every=110,
        rungs=((("cald", "calD", AFTER, 1), ("bis", "alend70", "Uống 1 viên/tuần, sáng thứ Hai lúc đói, không nằm 30 phút", 1)),),
    ),
    "E03.9": Illness("Suy giáp", 0.8, "NTIET", "TSH FT4", "", ((("thyroxine", "levoT100", "Uống 1/2 viên/ngày, lúc đói", 1),),), every=90),
    "E05.0": Illness(
        "Bệnh Basedow", 0.9, "NTIET", "TSH FT4", "CBC ALT", every=45, oldest_onset=3,
        rungs=(
            (("antithyroid", "thiam10", "Uống 4 viên/ngày, chia 2 lần", 1), ("bb", "propra40", "Uống 1/2 viên/lần, ngày 2 lần", 1)),
            (("antithyroid", "thiam10", "Uống 2 viên/ngày", 1),),
        ),
    ),
    "B18.1": Illness(
        "Viêm gan B mạn", 0.4, "TH", "ALT AST", "HBVDNA AFP CBC", every=100, oldest_onset=10,
        rungs=((("hbv", "teno300", M1, 1),), (("hbv", "taf25", M1, 1),)),
    ),
    "F32.9": Illness("Trầm cảm", 0.25, "NOI", "", "", ((("ssri", "sertra50", M1, 1),),), every=60, oldest_onset=3),
    "G40.9": Illness("Động kinh", 0.7, "TK", "", "CBC ALT", ((("aed", "leve500", X2, 1),),), every=75, oldest_onset=12),
    "F03": Illness("Sa sút trí tuệ", 0.5, "TK", "", "", ((("ach", "donep5", T1, 1),),), every=80, oldest_onset=5),
    "M06.9": Illness(
        "Viêm khớp dạng thấp", 0.85, "CXK", "CRP CBC ALT", "RF", every=60,
        rungs=((("mtx", "mtx25", "Uống 4 viên MỖI TUẦN MỘT LẦN, tối thứ Bảy", 1), ("folic", "folic5", "Uống 1 viên/tuần, tối Chủ nhật", 1)),),
    ),
}  # fmt: skip
_EPIDEMIC_KEY = {"E11.9": "E11"}
HEART = ("I10", "I25.9", "I50.9", "I48", "I50.0", "I05.0", "I21.4", "I42.0", "I35.0", "I20.9", "I25.1")


@cache
def _prevalence(key: str) -> dict[str, tuple[tuple[str, float], ...]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for k, span, sex, share in weights("prevalence"):
        if k == key:
            found.setdefault(sex, []).append((span, share))
    return {sex: tuple(v) for sex, v in found.items()}


def share(icd: str, age: int, sex: str) -> float:
    """Part of the people of this age and sex that has the illness, 0 to 1."""
    table = _prevalence(_EPIDEMIC_KEY.get(icd, icd))
    for span, percent in table.get(sex) or table.get("") or ():
        low, _, high = span.rstrip("+").partition("-")
        if int(low) <= age <= int(high or 200):
            return percent / 100
    return 0.0


def draw(life: Life) -> None:
    """Give the person illnesses by age and sex, with their beginnings: heart failure and kidney disease follow the others."""
    age, sex = life.age(life.today), life.person.sex
    for icd, illness in ILLNESSES.items():
        p = share(icd, age, sex) * illness.known
        if icd in ("I50.9", "N18.9", "I69.3", "I25.9") and age >= 45:
            p *= 1.5 if "I10" in life.problems or "E11.9" in life.problems else 0.35
        if icd == "E78.5" and "E11.9" in life.problems:
            p = 0.75
        if life.chance.happens(p):
            give(life, icd)


def give(life: Life, icd: str, years: float | None = None) -> None:
    """Begin an illness `years` ago (drawn where not said), never before the age that it needs."""
    illness = ILLNESSES[icd]
    oldest = min(illness.oldest_onset, max(1, life.age(life.today) - (2 if icd[0] in "JG" else 28)))
    ago = years if years is not None else life.chance.uniform(0.4, oldest)
    life.problem(icd, illness.text, life.today - timedelta(days=round(ago * 365.25)))


def upper(text: str) -> str:
    """The first letter large, the others as they are (str.capitalize makes T1 into t1)."""
    return text[:1].upper() + text[1:]


def _verb(before: str | None, drug: str) -> str:
    if before is None:
        return "thêm"
    return "chỉnh liều" if before == drug else "đổi sang"


# --- the stream of visits


class Clinic:
    """Follow-up of all lasting illnesses together: one visit, one sheet, one list of drugs."""

    def __init__(self, life: Life, until: date, every: int | None = None, first_choice: bool = False) -> None:
        self.life = life
        self.codes = [c for c in life.problems if c in ILLNESSES]
        self.until = until
        self.visits = 0
        self.rung: dict[str, int] = {}
        self.ladder = {
            c: (v[0] if first_choice else life.chance.choice(v)) if (v := ILLNESSES[c].variants) else ILLNESSES[c].rungs
            for c in self.codes
        }
        usual = min((ILLNESSES[c].every for c in self.codes), default=90)
        self.every = every or round(usual * life.chance.uniform(0.95, 2.1))
        self.last: Visit | None = None
        self.checked: dict[str, date] = {}
        self.started: set[str] = set()
        self.barred: set[str] = set()  # lines that this body no longer tolerates

    def known(self, day: date) -> list[str]:
        return [c for c in self.codes if self.life.body.since[c] <= day]

    def days(self) -> Iterator[date]:
        """The days of visits, oldest first."""
        life = self.life
        begin = min((life.body.since[c] for c in self.codes), default=self.until)
        day = max(begin, life.today - timedelta(days=round(YEARS_OF_RECORD * 365.25)))
        day += timedelta(days=life.chance.randint(0, 20))
        while day < self.until:
            if life.chance.happens(0.93):
                yield life.weekday(day)
            day += timedelta(days=max(14, round(self.every * life.chance.uniform(0.75, 1.3))))

    def place(self, codes: list[str]) -> tuple[str, str]:
        life = self.life
        mark = life.person.home
        if mark == "PS" and (len(codes) > 2 or any(c not in ("I10", "E11.9", "E78.5", "J45.9") for c in codes)):
            mark = "BG"
        if any(c in HEART[1:] for c in codes) and life.chance.happens(0.16):
            return "NC", "TM"
        if mark != "SN" and life.chance.happens(0.08):
            mark = "SN"
        main = next((c for c in ("I50.9", "I48", "I25.9", "E11.9", "N18.9", "J44.9", "I69.3") if c in codes), codes[0])
        dept = ILLNESSES[main].dept
        if not facilities.has(mark, dept):
            dept = "NOI" if facilities.has(mark, "NOI") else "KKB"
        return mark, dept

    def hold(self, day: date) -> None:
        life = self.life
        codes = self.known(day)
        if not codes or day <= life.inside_until:
            return
        self.visits += 1
        mark, dept = self.place(codes)
        start = life.clinic_time(day)
        reason = life.chance.choice(("Tái khám theo hẹn", "Khám định kỳ, lĩnh thuốc", "Tái khám, hết thuốc"))
        visit = life.visit(mark, dept, start, reason, minutes=life.chance.randint(35, 190))
        self.last = visit
        ordered = sorted(codes, key=lambda c: ILLNESSES[c].dept != dept)
        life.diagnoses(visit, [life.problems[c] for c in ordered[:6]])
        codes_measured = "BP HR WT" + (" SPO2" if any(c in codes for c in ("J44.9", "J45.9", "I50.9")) else "")
        if life.age(day) < 15:
            codes_measured = "HR WT HT"
        measured = life.vitals(visit, start, codes_measured)
        results = self._tests(visit, codes)
        changes = self._treat(visit, codes, {**measured, **{k: v for k, v in results.items() if isinstance(v, float)}})
        if changes or self.visits % 4 == 1:
            from_visit(life, visit, codes, measured, results, changes)
        if self.visits % 9 == 4 and any(c in HEART for c in codes) and mark != "PS":
            self._picture(visit, codes)

    def _tests(self, visit: Visit, codes: list[str]) -> dict[str, float | str]:
        life = self.life
        if visit.mark == "PS":
            return {}
        wanted: list[str] = []
        for c in codes:
            for span, names in ((150, ILLNESSES[c].labs), (360, ILLNESSES[c].yearly)):
                for name in names.split():
                    last = self.checked.get(name)
                    if name not in wanted and (last is None or (visit.day - last).days >= span):
                        wanted.append(name)
        if "vka" in life.lines and "INR" not in wanted:
            wanted.append("INR")
        # A handful of tests that fell due one by one are drawn together.
        if not wanted or (len(wanted) < 3 and life.chance.happens(0.4)):
            return {}
        for name in wanted:
            self.checked[name] = visit.day
        return life.labs(visit, visit.start + timedelta(minutes=12), wanted)

    def _treat(self, visit: Visit, codes: list[str], seen: dict[str, float]) -> list[str]:
        life = self.life
        changes = self._spare(visit, seen)
        for c in codes:
            rungs = self.ladder[c]
            if not rungs:
                continue
            target = ILLNESSES[c].target
            if c not in self.started:
                self.started.add(c)
                top = 2 if life.body.years(c[:3], visit.day) > 3 and len(rungs) > 2 else 1
                self.rung[c] = top
            elif target and seen.get(target[0], 0) > target[1]:
                if life.chance.happens(0.65) and self.rung[c] < len(rungs):
                    self.rung[c] += 1
            elif not target and self.rung[c] < len(rungs) and life.chance.happens(0.06):
                self.rung[c] += 1
            wanted = {line: (line, drug, sig, strength) for rung in rungs[: self.rung[c]] for line, drug, sig, strength in rung}
            for line, drug, sig, strength in wanted.values():
                if line in self.barred or self._owned_by_other(line, c, codes):
                    continue
                before = life.lines.get(line)
                if life.take(visit, line, drug, sig, strength, reason=life.problems[c]):
                    name = by("drugs")[drug]["ingredient_vi"].lower()
                    changes.append(f"{_verb(before.drug if before else None, drug)} {name}: {sig[0].lower()}{sig[1:]}")
        return changes

    def _spare(self, visit: Visit, seen: dict[str, float]) -> list[str]:
        """Stop what has become too much: a failing kidney's metformin and SGLT2 inhibitor, an old heart's amlodipine."""
        life = self.life
        kidney = life.body.kidney(visit.day)
        rules = (("met", kidney < 30, "eGFR dưới 30"), ("sglt2", kidney < 20, "eGFR dưới 20"), ("diu", kidney < 30, "eGFR dưới 30"))
        rules += (("ccb", seen.get("SBP", 120) < 106, "Huyết áp thấp"), ("mra", kidney < 30, "eGFR dưới 30, nguy cơ tăng kali"))
        changes = []
        for line, too_much, why in rules:
            if too_much:
                self.barred.add(line)
            if too_much and line in life.lines:
                name = life.lines[line].resource["medicationCodeableConcept"]["text"].lower()
                life.stop(line, visit.start, why)
                changes.append(f"ngừng {name} ({why[0].lower()}{why[1:]})")
        return changes

    def _owned_by_other(self, line: str, code: str, codes: list[str]) -> bool:
        """Two illnesses may share a line (one beta blocker, one RAS blocker): the first on the list keeps it."""
        for other in codes:
            if other == code:
                return False
            if line in self.life.lines and any(line == d[0] for rung in self.ladder[other] for d in rung):
                return True
        return False

    def _picture(self, visit: Visit, codes: list[str]) -> None:
        life = self.life
        when = visit.start + timedelta(minutes=30)
        if "I50.9" in codes or "I25.9" in codes:
            ef = life.chance.randint(34, 44) if "I50.9" in codes else life.chance.randint(50, 62)
            text = f"Thất trái {'giãn, giảm vận động toàn bộ' if ef < 45 else 'không giãn'}, EF {ef}%. Hở hai lá {'nhẹ' if ef > 45 else 'vừa'}."
            life.imaging(visit, when, "US12", text)
        elif life.chance.happens(0.6):
            text = "Rung nhĩ, đáp ứng thất trung bình." if "I48" in codes else "Nhịp xoang, trục trung gian, không biến đổi ST-T."
            life.imaging(visit, when, "FN01", text)
        else:
            life.imaging(visit, when, "XR01", "Bóng tim không to, nhu mô hai phổi không thấy tổn thương khu trú.")


def from_visit(
    life: Life, visit: Visit, codes: list[str], measured: dict[str, float], results: dict[str, float | str], changes: list[str]
) -> None:
    """The examination sheet of a follow-up visit."""
    c = life.chance
    asked = c.choice(
        (
            "Không đau ngực, không khó thở. Ăn ngủ được.",
            "Thỉnh thoảng chóng mặt nhẹ buổi sáng, không đau đầu.",
            "Dùng thuốc đều, không tác dụng phụ. Đi bộ 30 phút mỗi ngày.",
            "Có hôm quên thuốc buổi tối. Không phù, không ho.",
            "Mệt nhẹ khi leo cầu thang 2 tầng. Ngủ đầu bằng.",
            "Ăn mặn hơn trong dịp giỗ, ngủ kém vài hôm.",
        )
    )
    pressure = f"HA {measured['SBP']:.0f}/{measured['DBP']:.0f} mmHg, " if "SBP" in measured else ""
    lungs = c.choice(("phổi thông khí rõ hai bên", "rì rào phế nang rõ, không ran", "phổi không ran"))
    if "J44.9" in codes:
        lungs = c.choice(("phổi ít ran ngáy", "rì rào phế nang giảm hai bên, không ran"))
    heart = "tim loạn nhịp hoàn toàn" if "I48" in codes else c.choice(("tim đều, T1 T2 rõ", "nhịp tim đều"))
    exam = f"Tỉnh, {pressure}mạch {measured.get('HR', 78):.0f} lần/phút. {upper(heart)}, {lungs}, không phù."
    if "I50.9" in codes and c.happens(0.4):
        exam = exam.replace("không phù", "phù nhẹ mu chân")
    found = [
        f"{name} {value:.{d}f}".replace(".", ",") + unit
        for key, name, d, unit in (
            ("HBA1C", "HbA1c", 1, "%"),
            ("GLU", "glucose đói", 1, " mmol/L"),
            ("CREA", "creatinin", 0, " µmol/L"),
            ("K", "kali", 1, " mmol/L"),
            ("LDL", "LDL", 1, " mmol/L"),
            ("INR", "INR", 1, ""),
            ("BNPNT", "NT-proBNP", 0, " pg/mL"),
        )
        if isinstance(value := results.get(key), int | float)
    ]
    judged = []
    if "SBP" in measured and "I10" in codes:
        judged.append("Huyết áp đạt mục tiêu" if measured["SBP"] < 140 else "Huyết áp chưa đạt mục tiêu")
    sugar = results.get("HBA1C")
    if isinstance(sugar, float):
        judged.append("đường huyết kiểm soát tốt" if sugar < 7 else "đường huyết chưa đạt mục tiêu")
    text = "; ".join(judged) or "Bệnh ổn định"
    plan = (f"{upper('; '.join(changes))}. " if changes else "Tiếp tục đơn cũ. ") + c.choice(
        (
            "Giảm muối, tập đều. Hẹn khám lại theo lịch.",
            "Dặn uống thuốc đúng giờ. Hẹn tái khám.",
            "Theo dõi huyết áp tại nhà, ghi sổ.",
        )
    )
    said = ("Tóm tắt: " + ", ".join(found) + ".") if found else ""
    life.note(
        visit,
        visit.start + timedelta(minutes=25),
        "kham",
        (("Bệnh sử", asked), ("Khám", exam), ("Cận lâm sàng", said), ("Đánh giá", f"{upper(text)}."), ("Hướng xử trí", plan)),
    )
