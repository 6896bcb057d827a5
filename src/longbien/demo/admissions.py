"""Admissions by age, illness and season (epidemiology.csv: season_weight, mean_stay): emergency room, ward, discharge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from longbien.demo import facilities
from longbien.demo.acute import group, season
from longbien.demo.chronic import upper
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.shapes import at
from longbien.fhir import systems


@dataclass(frozen=True, slots=True)
class Stay:
    """An admission. `yearly`: chance in a year at these ages without (and with) the illness `after`."""

    icd: str
    text: str
    reason: str
    dept: str
    days: int
    yearly: tuple[float, ...]
    labs: str
    drugs: str
    course: tuple[str, ...]
    after: str = ""
    after_yearly: float = 0.0
    season: str = ""
    image: tuple[str, str] | None = None
    procedure: tuple[str, int] | None = None
    emergency: bool = True
    fever: float = 0.0
    given: dict[str, float | str] = field(default_factory=dict)
    arrival: dict[str, float] = field(default_factory=dict)  # vital signs on arrival; they ease day by day
    leaves: tuple[str, str] | None = None  # a lasting illness that begins with it
    mark: str = ""


STAYS: tuple[Stay, ...] = (
    Stay(
        "J18.9",
        "Viêm phổi",
        "Sốt, ho, khó thở",
        "HH",
        7,
        (0.035, 0.006, 0.003, 0.006, 0.022),
        "CBC CRP LYTES CREA",
        "ceftri1 para1gtt ambro30",
        ("Còn sốt, ran nổ đáy phổi phải.", "Đỡ sốt, ăn được, SpO₂ ổn định.", "Hết sốt, phổi còn ít ran."),
        season="J18",
        image=("XR01", "Đám mờ thùy dưới phổi phải, nghĩ viêm phổi."),
        fever=1.6,
        given={"CRP": 96.0, "WBC": 15.2, "NEUP": 84.0},
        arrival={"HR": 108, "RR": 28, "SPO2": 91},
    ),
    Stay(
        "A97.1",
        "Sốt xuất huyết Dengue có dấu hiệu cảnh báo",
        "Sốt ngày thứ 4, đau bụng, nôn",
        "TN",
        6,
        (0.002, 0.006, 0.006, 0.004, 0.003),
        "CBC DENNS1 ALT AST",
        "ringer para500",
        ("Hết sốt, tiểu cầu giảm, theo dõi sát hematocrit.", "Ban hồi phục, ăn khá hơn.", "Tiểu cầu tăng lại."),
        season="A97",
        fever=1.2,
        given={"PLT": 46, "WBC": 2.6, "HGB": 158, "DENNS1": "Dương tính", "AST": 148.0, "ALT": 96.0},
        arrival={"HR": 104},
    ),
    Stay(
        "J44.1",
        "Đợt cấp bệnh phổi tắc nghẽn mạn tính",
        "Khó thở tăng, khạc đờm đục",
        "HH",
        8,
        (0, 0, 0, 0, 0),
        "CBC CRP ABG LYTES CREA",
        "combi mpred40 levo750p",
        ("Khó thở giảm, ran rít còn nhiều.", "Thở oxy 2 L/phút, SpO₂ 93%.", "Bỏ oxy, đi lại được."),
        "J44.9",
        0.16,
        "J44",
        ("XR01", "Hình ảnh khí phế thũng, không thấy đám mờ khu trú."),
        fever=0.4,
        given={"PCO2": 49.0, "PO2": 61.0, "PHA": 7.36, "SO2A": 90.0, "CRP": 32.0},
        arrival={"HR": 112, "RR": 30, "SPO2": 87},
    ),
    Stay(
        "I50.9",
        "Đợt mất bù suy tim",
        "Khó thở, phù chân tăng",
        "TM",
        8,
        (0, 0, 0, 0, 0),
        "CBC LYTES CREA UREA BNPNT TNT",
        "furo20t spiro25 enoxa40",
        ("Đái nhiều, bớt khó thở, cân giảm 1,2 kg.", "Nằm đầu thấp được, phù giảm.", "Hết phù, chuyển furosemid uống."),
        "I50.9",
        0.22,
        "",
        ("XR01", "Bóng tim to, ứ huyết phổi hai bên."),
        given={"BNPNT": 6850.0, "TNT": 31.0},
        arrival={"HR": 106, "RR": 27, "SPO2": 90},
    ),
    Stay(
        "I63.9",
        "Nhồi máu não",
        "Yếu nửa người phải, nói khó",
        "TK",
        10,
        (0, 0, 0.0004, 0.004, 0.011),
        "CBC GLURND LYTES CREA LIPID COAG",
        "asp81 clopi75 atorva20",
        ("Cơ lực tay phải 3/5, chân 4/5.", "Tập vận động tại giường.", "Nói rõ hơn, tự ngồi được."),
        season="I63",
        image=("CT01", "Ổ giảm tỷ trọng vùng cấp máu động mạch não giữa trái, không thấy chảy máu."),
        leaves=("I69.3", "Di chứng nhồi máu não"),
    ),
    Stay(
        "I21.4",
        "Nhồi máu cơ tim không ST chênh lên",
        "Đau ngực trái lan vai 2 giờ",
        "TM",
        7,
        (0, 0, 0.0004, 0.003, 0.006),
        "CBC TNT CKMB LYTES CREA LIPID",
        "asp81 tica90 enoxa60 atorva20",
        ("Hết đau ngực sau can thiệp.", "Huyết động ổn định.", "Đi lại trong phòng không đau ngực."),
        season="I21",
        image=("XA01", "Hẹp 90% đoạn II động mạch vành phải; đã đặt một stent phủ thuốc, dòng chảy TIMI 3."),
        given={"TNT": 486.0, "CKMB": 64.0},
        leaves=("I25.9", "Bệnh tim thiếu máu cục bộ mạn"),
        mark="NC",
    ),
    Stay(
        "K35.8",
        "Viêm ruột thừa cấp",
        "Đau hố chậu phải",
        "NGOAI",
        4,
        (0.0004, 0.003, 0.002, 0.001, 0.0008),
        "CBC CRP COAG LYTES",
        "cefosul metro500p para1gtt",
        ("Hậu phẫu ngày 1, vết mổ khô.", "Trung tiện, ăn cháo.", "Vết mổ khô, bụng mềm."),
        image=("US01", "Ruột thừa đường kính 9 mm, thâm nhiễm mỡ quanh."),
        procedure=("PT01", 55),
        fever=0.8,
        given={"WBC": 15.8, "NEUP": 86.0, "CRP": 61.0},
        arrival={"HR": 102},
    ),
    Stay(
        "K80.0",
        "Sỏi túi mật, viêm túi mật cấp",
        "Đau hạ sườn phải, sốt",
        "NGOAI",
        6,
        (0, 0, 0.0006, 0.002, 0.003),
        "CBC CRP BILT ALT AST",
        "cefosul metro500p drota40t",
        ("Hậu phẫu ngày 1, đau ít.", "Ăn được, không sốt.", "Rút dẫn lưu."),
        image=("US01", "Túi mật căng, sỏi 14 mm, thành dày."),
        procedure=("PT03", 75),
        fever=0.9,
        given={"WBC": 14.1, "CRP": 88.0, "BILT": 29.0},
    ),
    Stay(
        "K92.2",
        "Xuất huyết tiêu hóa",
        "Đi ngoài phân đen",
        "TH",
        6,
        (0, 0, 0.0006, 0.002, 0.004),
        "CBC COAG UREA CREA",
        "panto40t nacl09",
        ("Phân còn đen, huyết động ổn.", "Phân vàng lại, ăn cháo.", "Không xuất huyết tái phát."),
        image=("ES01", "Loét hành tá tràng Forrest IIc."),
        procedure=("TT31", 90),
        given={"HGB": 79, "UREA": 12.4},
        arrival={"HR": 116},
    ),
    Stay(
        "S72.0",
        "Gãy cổ xương đùi",
        "Ngã, đau háng, không đi được",
        "CTCH",
        10,
        (0, 0, 0, 0.0004, 0.006),
        "CBC COAG CREA LYTES",
        "enoxa40 para1gtt cefazo1",
        ("Hậu phẫu ngày 1, tập ngồi.", "Tập đứng với khung.", "Đi với khung, vết mổ khô."),
        image=("XR18", "Gãy cổ xương đùi phải, di lệch."),
        procedure=("PT14", 110),
        given={"HGB": 104},
    ),
    Stay(
        "A09",
        "Tiêu chảy cấp mất nước",
        "Nôn, tiêu chảy, li bì",
        "NHI",
        4,
        (0.02, 0.002, 0.0005, 0.0005, 0.002),
        "CBC LYTES CREA",
        "ringer ors zinc20",
        ("Đỡ nôn, uống oresol được.", "Phân sệt, hết nôn.", "Chơi, ăn được."),
        season="A08.0",
        fever=0.7,
        arrival={"HR": 128},
    ),
    Stay(
        "H25.9",
        "Đục thủy tinh thể người già",
        "Nhìn mờ tăng dần",
        "MAT",
        1,
        (0, 0, 0, 0.004, 0.02),
        "CBC GLU",
        "tobradex",
        ("Mắt êm, thị lực tăng.",),
        procedure=("PT25", 25),
        emergency=False,
    ),
)


def _odds(life: Life, stay: Stay, day: date, ages: int) -> float:
    odds = stay.yearly[ages]
    if stay.after and life.body.has(stay.after, day):
        odds = stay.after_yearly
    if stay.season:
        odds *= season(stay.season)[day.month - 1]
    return odds


def stays(life: Life, begin: date, until: date) -> Iterator[tuple[date, Stay]]:
    """Admissions month by month."""
    day = begin
    last: date | None = None
    while day < until - timedelta(days=14):
        ages = group(life.age(day))
        for stay in STAYS:
            p = _odds(life, stay, day, ages) / 12
            if p and life.chance.happens(p) and (last is None or (day - last).days > 40):
                last = day + timedelta(days=life.chance.randint(0, 25))
                if last < until - timedelta(days=14):
                    yield last, stay
        day += timedelta(days=30)


def be_admitted(life: Life, day: date, stay: Stay) -> None:
    """A whole admission: emergency room, ward, results, drugs, progress notes, discharge."""
    if day <= life.inside_until:
        return
    chance = life.chance
    child = life.age(day) < 15
    mark = stay.mark or ("SN" if stay.dept in ("TK", "CTCH", "MAT") else life.person.home)
    mark = "BG" if mark == "PS" else mark
    dept = "NHI" if child else stay.dept
    if not facilities.has(mark, dept):
        dept = "NOI" if facilities.has(mark, "NOI") else "TM"
    days = max(1, round(stay.days * chance.uniform(0.7, 1.35)))
    start = at(day, chance.randint(1, 22), chance.randint(0, 59))
    admit: dict[str, object] = {}
    if stay.emergency and facilities.has(mark, "CC"):
        first = life.visit(mark, "CC", start, stay.reason, kind="EMER", minutes=chance.randint(60, 240))
        life.vitals(first, start, "BP HR TEMP RR SPO2", **signs(life, stay, 0, start.date()))
        start = first.end or start
        admit = {"admitSource": {"text": "Khoa Cấp cứu"}}
    end = at(start.date() + timedelta(days=days), chance.randint(9, 15), chance.randint(0, 59))
    life.inside_until = end.date()
    home = {"coding": [{"system": systems.DISCHARGE, "code": "home", "display": "Home"}], "text": "Ra viện"}
    beds = facilities.beds(mark, dept)
    visit = life.visit(
        mark,
        dept,
        start,
        stay.reason,
        kind="IMP",
        end=end,
        bed=chance.choice(beds) if beds else None,
        hospitalization={**admit, "dischargeDisposition": home},
    )
    condition = life.diagnosis(stay.icd, stay.text, visit, end.date())
    others = [c for code, c in life.problems.items() if life.body.since[code] <= day][:4]
    life.diagnoses(visit, [condition, *others])
    first_labs = life.labs(visit, start + timedelta(minutes=30), stay.labs.split(), _vary(life, stay))
    if stay.image:
        life.imaging(visit, start + timedelta(minutes=50), *stay.image)
    hospital_drugs(life, visit, stay, condition, days)
    life.note(visit, start + timedelta(minutes=70), "vao-vien", admission(life, stay, first_labs, others))
    if stay.procedure:
        life.procedure(visit, start + timedelta(hours=5), stay.procedure[1], stay.procedure[0])
    for n in range(1, days):
        when = at(start.date() + timedelta(days=n), 8, chance.randint(0, 40))
        codes = "HR TEMP SPO2" if child else "BP HR TEMP SPO2"
        life.vitals(visit, when - timedelta(hours=1), codes, **signs(life, stay, n, when.date()))
        if n % 2 == 1 and n < 8:
            text = stay.course[min(len(stay.course) - 1, n * len(stay.course) // max(1, days))]
            plan = chance.choice(("Tiếp tục điều trị.", "Theo dõi tiếp, tập vận động.", "Tiếp tục thuốc, kiểm tra lại xét nghiệm."))
            life.note(visit, when, "dieu-tri", (("Diễn biến", text), ("Hướng xử trí", plan)))
    if days >= 4:
        recovering = {k: easing_value(life, k, v, day) for k, v in stay.given.items() if not isinstance(v, str)}
        again = [c for c in stay.labs.split() if c not in ("DENNS1", "ABG", "LIPID", "COAG")]
        life.labs(visit, at(end.date() - timedelta(days=1), 6, 15), again, recovering)
    life.note(
        visit,
        end - timedelta(minutes=40),
        "ra-vien",
        (
            ("Chẩn đoán ra viện", stay.text + "."),
            ("Diễn biến", " ".join(stay.course)),
            ("Tình trạng ra viện", chance.choice(("Ổn định, tự đi lại.", "Đỡ, tiếp tục điều trị ngoại trú.", "Hết triệu chứng."))),
            ("Hướng điều trị tiếp", "Dùng thuốc theo đơn, khám lại sau 2 tuần."),
        ),
    )
    if stay.leaves:
        life.problem(stay.leaves[0], stay.leaves[1], end.date(), visit)


def signs(life: Life, stay: Stay, n: int, day: date) -> dict[str, float]:
    """Temperature and what else the illness disturbs, `n` days after arrival, on the way back to this person's usual."""
    left = max(0.0, 1 - n / max(2.0, stay.days * 0.7))
    temperature = 36.7 + (stay.fever + 0.3 * (stay.fever > 0)) * left + life.chance.uniform(-0.15, 0.2)
    usual = {"HR": float(life.body.heart_rate(day)), "SPO2": 97.0, "RR": 18.0}
    found = {k: usual[k] + (v - usual[k]) * left + life.chance.uniform(-1, 1) for k, v in stay.arrival.items() if k in usual}
    return {"TEMP": temperature, **{k: round(min(v, 99.0) if k == "SPO2" else v) for k, v in found.items()}}


def _vary(life: Life, stay: Stay) -> dict[str, float | str]:
    fixed = {k: v for k, v in stay.given.items() if isinstance(v, str) or k == "PHA"}
    return {k: fixed.get(k, v if isinstance(v, str) else v * life.chance.uniform(0.92, 1.08)) for k, v in stay.given.items()}


def easing_value(life: Life, code: str, peak: float, day: date) -> float:
    """A value most of the way back to this person's own."""
    own = life.body.value(code, day)
    return peak if own is None else own + (peak - own) * life.chance.uniform(0.12, 0.3)


def hospital_drugs(life: Life, visit: Visit, stay: Stay, condition: dict[str, object], days: int) -> None:
    allergic = {r["code"]["text"] for r in life.out if r["resourceType"] == "AllergyIntolerance"}
    for drug in stay.drugs.split():
        chosen = "levo750p" if drug in ("ceftri1", "cefosul", "cefazo1") and "Penicillin" in allergic else drug
        if life.age(visit.day) < 15:
            chosen = {"para1gtt": "para150g", "levo750p": "ceftri1", "para500": "para150g"}.get(chosen, chosen)
        life.prescribe(visit, chosen, days=max(1, days - 1), reason=condition)


def admission(life: Life, stay: Stay, seen: dict[str, float | str], others: list[dict[str, object]]) -> tuple[tuple[str, str], ...]:
    history = ", ".join(str(c["code"]["text"]).lower() for c in others)  # type: ignore[index]
    words = []
    for code, name, decimals in (
        ("WBC", "bạch cầu", 1),
        ("HGB", "Hb", 0),
        ("PLT", "tiểu cầu", 0),
        ("CRP", "CRP", 0),
        ("CREA", "creatinin", 0),
    ):
        value = seen.get(code)
        if isinstance(value, int | float):
            words.append(f"{name} {value:.{decimals}f}".replace(".", ","))
    return (
        ("Lý do vào viện", stay.reason + "."),
        ("Tiền sử", (upper(history) + ".") if history else "Chưa phát hiện bệnh mạn tính."),
        ("Tóm tắt xét nghiệm", upper(", ".join(words)) + "." if words else ""),
        ("Chẩn đoán", stay.text + "."),
        (
            "Hướng điều trị",
            life.chance.choice(("Điều trị theo phác đồ, theo dõi sát.", "Nhập viện điều trị, theo dõi dấu hiệu sinh tồn.")),
        ),
    )
