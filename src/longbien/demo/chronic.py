"""Years of follow-up: which lasting illnesses a person has, the clinic visits, the drugs that step up when targets are missed.

Shares by age: epidemiology.csv (prevalence). Steps of treatment: usual Vietnamese outpatient practice, simplified; not advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from longbien.demo import facilities
from longbien.demo.illnesses import HEART, ILLNESSES
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.starter import by, weights

YEARS_OF_RECORD = 8
_EPIDEMIC_KEY = {"E11.9": "E11"}


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

    def __init__(self, life: Life, until: date, every: int | None = None, choice: int | None = None) -> None:
        self.life = life
        self.codes = [c for c in life.problems if c in ILLNESSES]
        self.until = until
        self.visits = 0
        self.rung: dict[str, int] = {}
        self.ladder = {
            c: (v[choice % len(v)] if choice is not None else life.chance.choice(v))
            if (v := ILLNESSES[c].variants)
            else ILLNESSES[c].rungs
            for c in self.codes
        }
        usual = min((ILLNESSES[c].every for c in self.codes), default=90)
        self.every = every or round(usual * life.chance.uniform(1.1, 2.4))
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
        if changes or self.visits % 5 == 1:
            from_visit(life, visit, codes, measured, results, changes)
        if self.visits % 9 == 4 and any(c in HEART for c in codes) and mark != "PS":
            self._picture(visit, codes)

    def _tests(self, visit: Visit, codes: list[str]) -> dict[str, float | str]:
        life = self.life
        if visit.mark == "PS":
            return {}
        wanted: list[str] = []
        for c in codes:
            for span, names in ((180, ILLNESSES[c].labs), (380, ILLNESSES[c].yearly)):
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
        rules: tuple[tuple[str, bool, str], ...] = (
            ("met", kidney < 30, "eGFR dưới 30"),
            ("sglt2", kidney < 20, "eGFR dưới 20"),
            ("diu", kidney < 30, "eGFR dưới 30"),
        )
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
            weak = ef < 45
            wall = "giãn, giảm vận động toàn bộ" if weak else "không giãn"
            text = f"Thất trái {wall}, EF {ef}%. Hở hai lá {'vừa' if weak else 'nhẹ'}."
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
