"""The cardiology ward this morning: sixteen written stories in the beds of the general hospital, seen at 08:20.

The first is the one of the handbook's pictures: a man of 71 with heart failure, atrial fibrillation, kidney disease and diabetes,
eighth day, potassium 6.2 at 06:10, a chest film nobody has read, a blood culture four hours overdue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from longbien.demo import facilities
from longbien.demo.chronic import M1, X2
from longbien.demo.life import Life, Visit, at, imaging_code, lab_code, stamp
from longbien.demo.starter import by
from longbien.fhir import systems as s


@dataclass(frozen=True, slots=True)
class Patient:
    """One of the ward's people. `lasting`: illnesses of chronic.py with years; `today`: results of 06:10; `pending`: (order, due in hours)."""

    bed: int
    name: str
    sex: str
    age: int
    icd: str
    text: str
    reason: str
    day: int
    lasting: tuple[tuple[str, float], ...] = ()
    first: dict[str, float] = field(default_factory=dict)
    today: dict[str, float] = field(default_factory=dict)
    drugs: tuple[tuple[str, str], ...] = ()
    pending: tuple[tuple[str, float], ...] = ()
    leaves_in: int | None = None
    doctor: str = "bs.minh"
    course: tuple[str, ...] = ("Ổn định, không đau ngực.", "Ngủ được, ăn hết suất.")
    vitals: dict[str, float] = field(default_factory=dict)
    flags: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()  # further diagnoses of this stay
    image: tuple[str, str] | None = None
    note_last_night: str = ""


FALL = ("fall-risk", "Nguy cơ ngã cao")
DROPLET = ("isolation-droplet", "Cách ly giọt bắn")
FUROSEMIDE = ("furo20t", "Tiêm tĩnh mạch 2 ống/lần, ngày 2 lần")

WARD: tuple[Patient, ...] = (
    Patient(12, "Nguyễn Văn Thưởng", "M", 71, "I50.0", "Suy tim mất bù", "Khó thở tăng dần, phù chân", 8,
            (("I10", 12.0), ("E11.9", 9.0), ("E78.5", 8.0), ("I48", 3.5), ("I50.9", 4.2)), leaves_in=3, flags=(("fall-risk", "Nguy cơ ngã cao, Morse 55"),)),
    Patient(7, "Trịnh Công Tuệ", "M", 58, "I21.4", "Nhồi máu cơ tim sau can thiệp", "Đau ngực trái 3 giờ", 2, (("I10", 6.0), ("E78.5", 3.0)),
            {"TNT": 640.0, "CKMB": 71.0}, {"TNT": 1840.0, "CKMB": 118.0, "CREA": 96.0},
            (("asp81", M1), ("tica90", X2), ("atorva20", "Uống 2 viên/ngày, buổi tối"), ("enoxa60", "Tiêm dưới da 1 ống/lần, ngày 2 lần")),
            (("TNT", 4.0),), course=("Hết đau ngực sau can thiệp, mạch còn nhanh.",), vitals={"HR": 118, "SBP": 104, "DBP": 66},
            flags=(("monitor", "Theo dõi monitor liên tục"),), image=("XA01", "Tắc hoàn toàn đoạn I động mạch liên thất trước, đã đặt một stent, TIMI 3.")),
    Patient(3, "Lê Thị Hồng Đào", "F", 66, "I05.0", "Hẹp van hai lá do thấp", "Khó thở khi gắng sức, hồi hộp", 4, (("I48", 5.0),), {"INR": 2.1}, {"INR": 3.4, "HGB": 121.0},
            (("aceno", "Uống 1/4 viên/ngày, 20 giờ, chỉnh theo INR"), ("metop50", M1), ("furo40", M1)), leaves_in=2,
            course=("Hồi hộp giảm, không chảy máu chân răng.", "Nhịp thất 84, không phù."), image=("US12", "Hẹp van hai lá khít vừa, diện tích lỗ van 1,3 cm², nhĩ trái 52 mm.")),
    Patient(5, "Phạm Quang Hoà", "M", 49, "I10", "Tăng huyết áp cấp cứu", "Đau đầu dữ dội, HA 220/120", 3, (("I10", 2.0),), {"CREA": 112.0}, {"CREA": 98.0, "K": 4.1},
            (("amlo5", "Uống 2 viên/ngày, buổi sáng"), ("telmi40", M1)), leaves_in=0, course=("Hết đau đầu, HA 150/90.", "HA ổn định 138/84."), vitals={"SBP": 138, "DBP": 84}),
    Patient(9, "Đỗ Thị Ngần", "F", 81, "I50.9", "Suy tim, thiếu máu", "Mệt, khó thở khi đi lại", 6, (("I10", 15.0), ("I50.9", 3.0)), {"HGB": 89.0, "BNPNT": 4210.0},
            {"HGB": 84.0, "FERR": 12.0, "MCV": 73.0}, (("furo40", M1), ("fesuc", "Truyền tĩnh mạch 100 mg, cách ngày")), (("ES01", 5.7),),
            course=("Đỡ khó thở, còn mệt.", "Phân vàng, không nôn máu. Nhịn ăn chờ nội soi."), flags=(FALL,), extra=(("D50.9", "Thiếu máu thiếu sắt"),)),
    Patient(11, "Vũ Đình Khoa", "M", 63, "I25.9", "Bệnh mạch vành ổn định", "Đau ngực khi gắng sức", 2, (("I25.9", 4.0), ("E78.5", 5.0)), {"TNT": 9.0}, {"LDL": 1.7, "TNT": 8.0},
            (("clopi75", M1), ("atorva20", "Uống 1 viên/ngày, buổi tối"), ("bisop25", M1)), leaves_in=0),
    Patient(14, "Hoàng Thị Bích Thuỷ", "F", 73, "J18.9", "Viêm phổi", "Sốt, ho đờm, khó thở", 5, (("I50.9", 2.5), ("I10", 9.0)), {"CRP": 118.0, "WBC": 15.9},
            {"CRP": 36.0, "WBC": 9.4}, (("levo750p", "Truyền tĩnh mạch 1 chai/ngày"), ("ambro30", "Uống 1 viên/lần, ngày 3 lần")), leaves_in=4, flags=(DROPLET,),
            image=("XR01", "Đám mờ đáy phổi phải giảm so với phim trước."), course=("Còn ho đờm, hết sốt.", "SpO₂ 96% khí trời."), note_last_night="Ho ít, ngủ được, không sốt."),
    Patient(1, "Bùi Xuân Nghĩa", "M", 77, "I50.9", "Suy tim, BPTNMT", "Khó thở, ho khạc đờm", 9, (("I50.9", 5.0), ("J44.9", 9.0)), {"BNPNT": 5120.0}, {"BNPNT": 1890.0, "K": 3.6},
            (FUROSEMIDE, ("combi", "Khí dung 1 ống/lần, ngày 4 lần")), leaves_in=1, course=("Còn thở oxy 2 L/phút.", "Đỡ khó thở, ran ít."), vitals={"SPO2": 93, "O2FLOW": 2}),
    Patient(2, "Ngô Thị Sáu", "F", 69, "I48", "Rung nhĩ mới phát hiện", "Hồi hộp đánh trống ngực", 1, (("I10", 7.0),), {"TSH": 1.8, "K": 3.9, "TNT": 11.0}, {},
            (("apix5", X2), ("bisop25", M1)), (("US12", 2.2),), vitals={"HR": 112}),
    Patient(4, "Đặng Hữu Phước", "M", 55, "I21.4", "Nhồi máu cơ tim không ST chênh", "Đau ngực lúc nghỉ", 3, (("E11.9", 4.0), ("E78.5", 4.0)), {"TNT": 388.0},
            {"TNT": 142.0, "GLU": 8.9}, (("asp81", M1), ("tica90", X2), ("atorva20", "Uống 2 viên/ngày, buổi tối")), leaves_in=2, flags=(("monitor", "Theo dõi monitor liên tục"),)),
    Patient(6, "Lý Thị Mai Hương", "F", 44, "I40.9", "Viêm cơ tim cấp", "Mệt, đau ngực sau sốt", 5, (), {"TNT": 910.0, "CRP": 44.0}, {"TNT": 205.0, "CRP": 11.0},
            (("bisop25", M1), ("ibu400", "Ngừng dùng theo y lệnh khi hết đau ngực")), (("MR05", 30.0), ("TNT", 4.0)), course=("Đỡ mệt, không đau ngực.", "Monitor không rối loạn nhịp.")),
    Patient(8, "Tạ Văn Quyết", "M", 60, "I10", "Tăng huyết áp, ĐTĐ típ 2", "Chóng mặt, HA cao", 2, (("I10", 8.0), ("E11.9", 6.0)), {"GLU": 14.8}, {"GLU": 9.6, "CREA": 88.0},
            (("amlo5", M1), ("losar50", M1), ("insMix", "Tiêm dưới da 12 đơn vị sáng, 8 đơn vị chiều")), leaves_in=1),
    Patient(10, "Nguyễn Thị Yến", "F", 70, "I50.9", "Suy tim, bệnh thận mạn 3b", "Phù, khó thở", 7, (("I50.9", 3.0), ("I10", 11.0), ("N18.9", 5.0)), {"BNPNT": 6930.0, "CREA": 158.0},
            {"BNPNT": 2480.0, "CREA": 139.0, "K": 4.8}, (FUROSEMIDE, ("bisop25", M1)), leaves_in=3),
    Patient(13, "Cao Minh Đức", "M", 52, "I71.0", "Bóc tách động mạch chủ Stanford B", "Đau ngực lan ra sau lưng", 11, (("I10", 5.0),), {"DDIM": 7.8, "CREA": 121.0}, {"CREA": 104.0, "HGB": 118.0},
            (("metop50", "Uống 2 viên/ngày, buổi sáng"), ("amlo5", "Uống 2 viên/ngày, buổi sáng"), ("telmi40", M1)), (("CT14", 6.7),), vitals={"SBP": 116, "DBP": 70}),
    Patient(15, "Phùng Thị Nhàn", "F", 75, "I35.0", "Hẹp van động mạch chủ", "Ngất khi gắng sức", 3, (("I10", 10.0),), {"BNPNT": 2240.0}, {"BNPNT": 1960.0},
            (("furo40", M1),), doctor="bs.tuan", flags=(FALL,), image=("US12", "Hẹp van động mạch chủ khít, diện tích 0,8 cm², EF 55%.")),
    Patient(16, "Khuất Thị Xuân", "F", 62, "I20.9", "Cơn đau thắt ngực", "Đau ngực khi leo cầu thang", 2, (("I10", 6.0), ("E78.5", 4.0)), {"TNT": 10.0}, {"TNT": 9.0},
            (("asp81", M1), ("bisop25", M1)), leaves_in=0, doctor="bs.tuan"),
)  # fmt: skip
_ARRIVAL: dict[str, dict[str, float]] = {
    "I50.0": {"SBP": 154, "DBP": 92, "HR": 114, "RR": 28, "SPO2": 89},
    "I50.9": {"HR": 104, "RR": 26, "SPO2": 91},
    "I10": {"SBP": 218, "DBP": 118},
    "I48": {"HR": 138},
    "I71.0": {"SBP": 196, "DBP": 104, "HR": 98},
    "J18.9": {"HR": 106, "RR": 27, "SPO2": 90, "TEMP": 38.7},
    "I40.9": {"HR": 110, "TEMP": 37.8},
}
BASIC = ("CBC", "LYTES", "CREA", "UREA")


def admitted_on(p: Patient, today: date) -> date:
    """Day 1 of the stay is the day of admission."""
    return today - timedelta(days=p.day - 1)


def open_stay(life: Life, mark: str, dept: str, start: Any, reason: str, bed: facilities.Bed, doctor: facilities.Staff) -> Visit:
    """An admission that goes on."""
    visit = life.visit(mark, dept, start, reason, kind="IMP", status="in-progress", bed=bed, doctor=doctor)
    nurse = facilities.member("dd.ha") if (mark, dept) == ("SN", "TM") else life.nurse(mark, dept)
    members = [("Bác sĩ điều trị", doctor), ("Điều dưỡng", nurse)]
    if mark == "SN":
        members.append(("Dược sĩ", facilities.member("ds.lan")))
    life.new(
        "CareTeam",
        status="active",
        name="Nhóm chăm sóc",
        subject=life.subject,
        encounter=visit.reference,
        period={"start": stamp(start)},
        participant=[{"role": [{"text": role}], "member": who.reference} for role, who in members],
        managingOrganization=[facilities.organization_reference(mark)],
    )
    return visit


def expect_discharge(visit: Visit, day: date) -> None:
    visit.resource["extension"] = [{"url": s.EXT_EXPECTED_DISCHARGE, "valueDate": day.isoformat()}]


def pending(life: Life, visit: Visit, code: str, hours: float, ordered_hours_ago: float = 3.0) -> None:
    """An open order whose result is due `hours` from 08:20 (below zero: overdue). The due time is occurrencePeriod.end."""
    now = at(life.today, 8, 20)
    lab = code[:2] not in ("US", "CT", "MR", "ES", "XR", "XA", "FN")
    ordered = now - timedelta(hours=ordered_hours_ago)
    life.order(
        visit, ordered, lab_code(code) if lab else imaging_code(code), "laboratory" if lab else "imaging", status="active",
        priority="urgent" if hours < 6 else "routine",
        occurrencePeriod={"start": stamp(ordered), "end": stamp(now + timedelta(hours=hours))},
    )  # fmt: skip


def stay(life: Life, number: int) -> None:
    """The stay of the ward's person `number`, from admission to 08:20 today."""
    p = WARD[number]
    bed = facilities.beds("SN", "TM")[p.bed - 1]
    doctor = facilities.member(p.doctor)
    day = admitted_on(p, life.today)
    start = at(day, 10, 40) if p.day > 1 else at(day, 5, 10)
    emergency = life.visit(
        "SN", "CC", start - timedelta(minutes=130), p.reason, kind="EMER", minutes=125, doctor=facilities.member("bs.dung")
    )
    life.vitals(emergency, start - timedelta(minutes=125), "BP HR TEMP RR SPO2", **_ARRIVAL.get(p.icd, {}))
    visit = open_stay(life, "SN", "TM", start, p.reason, bed, doctor)
    main = life.diagnosis(p.icd, p.text, visit)
    extra = [life.diagnosis(icd, text, visit) for icd, text in p.extra]
    life.diagnoses(emergency, [main])
    life.diagnoses(visit, [main, *extra, *[c for code, c in life.problems.items() if code != p.icd][:4]])
    for code, text in p.flags:
        life.flag(code, text, visit, start + timedelta(minutes=40))
    if p.leaves_in is not None:
        expect_discharge(visit, life.today + timedelta(days=p.leaves_in))
    if number == 0:
        decompensated(life, visit)
        return
    _ordinary(life, visit, p, main)


def _class(drug: str) -> str:
    """What must not be taken twice: one beta blocker, one drug of the renin system, one anticoagulant."""
    atc = by("drugs")[drug]["atc"]
    return atc[:3] if atc.startswith("C09") else "anticoagulant" if atc[:5] in ("B01AA", "B01AE", "B01AF") else atc[:5]


def _ordinary(life: Life, visit: Visit, p: Patient, main: dict[str, Any]) -> None:
    start, chance = visit.start, life.chance
    life.labs(
        visit, start - timedelta(minutes=90), [*BASIC, *[c for c in p.first if c not in ("HGB", "WBC", "K", "CREA")]], **p.first
    )
    if p.image:
        life.imaging(visit, start + timedelta(hours=2), *p.image)
    life.imaging(
        visit, start + timedelta(minutes=15), "FN01", "Rung nhĩ." if "I48" in life.problems or p.icd == "I48" else "Nhịp xoang."
    )
    ordered = {drug for drug, _ in p.drugs}
    classes = {_class(drug) for drug in ordered}
    for line in [x for x, taken in life.lines.items() if _class(taken.drug) in classes]:
        life.stop(line, start, "Kê lại khi vào viện")
    for drug, sig in p.drugs:
        life.prescribe(visit, drug, sig, days=p.day + 6, when=start + timedelta(minutes=50), reason=main)
    life.note(
        visit, start + timedelta(minutes=45), "vao-vien",
        (("Lý do vào viện", f"{p.reason}."), ("Chẩn đoán", f"{p.text}."), ("Hướng điều trị", "Nhập khoa Nội tim mạch, theo dõi dấu hiệu sinh tồn.")),
    )  # fmt: skip
    for n in range(p.day):
        day = visit.day + timedelta(days=n)
        for hour in (6, 14) if day < life.today else (6,):
            if n == 0 and at(day, hour) < start:
                continue
            given = p.vitals if day == life.today else {}
            codes = "BP HR TEMP SPO2" + (" O2FLOW" if "O2FLOW" in given else "")
            life.vitals(visit, at(day, hour, chance.randint(0, 25)), codes, **given)
        if 0 < n < p.day - 1:
            life.note(
                visit,
                at(day, 8, chance.randint(5, 50)),
                "dieu-tri",
                (("Diễn biến", p.course[n % len(p.course)]), ("Hướng xử trí", "Tiếp tục điều trị.")),
            )
    if p.today:
        panels = ["CBC"] if {"HGB", "WBC", "MCV"} & set(p.today) else []
        panels += ["LYTES"] if "K" in p.today else []
        life.labs(
            visit,
            at(life.today, 5, 20),
            [*panels, *[c for c in p.today if c not in ("HGB", "WBC", "MCV", "K")]],
            minutes=50,
            **p.today,
        )
    if p.note_last_night:
        life.note(visit, at(life.today, 2, 40), "cham-soc", (("Theo dõi", p.note_last_night),), facilities.member("dd.nga"))
    for code, hours in p.pending:
        pending(life, visit, code, hours)


# --- the first bed: day by day (day 1 is the admission)

_LABS: tuple[tuple[int, dict[str, float]], ...] = (
    (1, {"CREA": 168, "UREA": 13.1, "K": 4.3, "NA": 133, "CL": 97, "BNPNT": 8420, "CRP": 9, "HGB": 115, "WBC": 8.1, "NEUP": 71, "TNT": 34, "GLU": 9.8}),
    (2, {"CREA": 182, "UREA": 14.0, "K": 3.6, "NA": 134, "CL": 98}),
    (4, {"CREA": 171, "UREA": 13.2, "K": 4.2, "NA": 136, "CL": 99, "HGB": 116, "WBC": 7.6, "NEUP": 69, "CRP": 8}),
    (6, {"CREA": 158, "UREA": 11.9, "K": 5.1, "NA": 137, "CL": 101, "CRP": 12}),
    (7, {"CREA": 151, "UREA": 11.2, "K": 5.8, "NA": 137, "CL": 101, "BNPNT": 2140, "HGB": 118, "WBC": 9.2, "NEUP": 75}),
    (8, {"CREA": 142, "UREA": 10.8, "K": 6.2, "NA": 136, "CL": 101, "CRP": 48, "HGB": 118, "WBC": 13.4, "NEUP": 84}),
)  # fmt: skip
# day: weight kg, SBP, DBP, HR, temperature, SpO2
_SIGNS = (
    (65.7, 148, 88, 112, 36.8, 90), (65.1, 136, 82, 104, 36.7, 92), (64.2, 128, 76, 98, 36.6, 94), (63.5, 124, 74, 92, 36.7, 95),
    (62.9, 120, 72, 88, 36.6, 96), (62.3, 118, 70, 86, 36.7, 96), (61.9, 116, 70, 92, 37.4, 95), (61.5, 112, 66, 96, 37.9, 94),
)  # fmt: skip
_COURSE = {
    2: ("Đái 2.900 ml, bớt khó thở, còn phù mu chân.", "Tiếp tục furosemid tĩnh mạch, thêm kali clorid và spironolacton."),
    3: ("Nằm đầu 30 độ, ran ẩm hai đáy giảm.", "Creatinin tăng, ngừng losartan. Thêm bisoprolol liều thấp."),
    4: ("Đỡ phù, ăn được cháo, đi lại trong phòng.", "Thêm empagliflozin. Theo dõi kali."),
    5: ("Nằm đầu thấp được. Cân giảm 2,8 kg.", "Chuyển furosemid 40 mg uống."),
    6: ("Ổn định, hết ran. Ngủ tốt.", "Tiếp tục. Kiểm tra điện giải ngày mai."),
    7: ("Kali 5,8. Chiều ho, gai lạnh, 37,8 độ.", "Ngừng kali clorid. Cấy máu. Giảm furosemid còn 20 mg từ tối."),
}


def decompensated(life: Life, visit: Visit) -> None:
    day1 = visit.day
    minh, tuan = facilities.member("bs.minh"), facilities.member("bs.tuan")
    heart = life.problems["I50.9"]

    def on(n: int, hour: int, minute: int = 0) -> Any:
        return at(day1 + timedelta(days=n - 1), hour, minute)

    for n, values in _LABS:
        when = on(1, 9, 10) if n == 1 else on(n, 5, 20)
        codes = [
            *(["CBC"] if "HGB" in values else []),
            "LYTES",
            *[c for c in values if c not in ("HGB", "WBC", "NEUP", "K", "NA", "CL")],
        ]
        life.labs(visit, when, codes, minutes=50, **values)
    for n, (weight, top, bottom, pulse, temp, oxygen) in enumerate(_SIGNS, 1):
        if n > 1:
            life.vitals(visit, on(n, 6), "BP HR TEMP SPO2 WT", SBP=top, DBP=bottom, HR=pulse, TEMP=temp, SPO2=oxygen, WT=weight)
        if n < 8:
            life.vitals(
                visit, on(n, 14, 5), "BP HR TEMP SPO2", SBP=top + 4, DBP=bottom + 2, HR=pulse - 2, TEMP=temp + 0.1, SPO2=oxygen + 1
            )
            life.vital(visit, on(n, 23), "UO", (2100, 2900, 2600, 2400, 2200, 2000, 1900)[n - 1])
    life.vitals(visit, on(8, 2, 30), "TEMP HR", TEMP=38.2, HR=102)
    life.vital(visit, on(8, 6), "UO", 1850)
    life.vital(visit, on(8, 6), "INTAKE", 1320)
    life.vital(visit, on(8, 6), "O2FLOW", 2)
    # The drugs from home go on, change or stop; `take` keeps one line each.
    for line in ("met", "su", "dpp4", "diu", "ccb"):
        life.stop(line, on(1, 11), "Ngừng khi vào viện")
    for line in ("bb", "sglt2"):
        life.stop(line, on(1, 11), "Tạm ngừng khi mất bù cấp")
    life.prescribe(
        visit,
        "furo20t",
        "Tiêm tĩnh mạch 2 ống (40 mg)/lần, ngày 2 lần",
        days=4,
        when=on(1, 11),
        times=2,
        dose=(40, "mg"),
        reason=heart,
    )
    life.stop("loop", on(1, 11), "Chuyển đường tĩnh mạch")
    life.take(visit, "loop", "furo40", M1, when=on(5, 9), reason=heart)
    life.take(visit, "loop", "furo40", "Uống 1/2 viên (20 mg)/ngày, buổi sáng", when=on(7, 20, 15), dose=(20, "mg"), reason=heart)
    life.stop("mra", on(1, 11), "Kê lại ngày 2")
    life.take(visit, "mra", "spiro25", M1, when=on(2, 9), reason=heart)
    life.stop("ras", on(3, 9), "Creatinin tăng")
    life.take(visit, "bb", "bisop25", M1, when=on(3, 9), reason=heart)
    life.take(visit, "sglt2", "empa10", M1, when=on(4, 9), reason=heart)
    life.take(visit, "oac", "apix5", X2, when=on(1, 12), reason=life.problems["I48"])
    life.prescribe(visit, "kcl600", "Uống 1 viên/lần, ngày 2 lần", days=5, when=on(2, 9), times=2, reason=heart, status="stopped")
    life.imaging(visit, on(1, 9, 30), "XR01", "Bóng tim to, ứ huyết hai phổi, ít dịch góc sườn hoành phải.")
    life.imaging(visit, on(2, 10), "US12", "Thất trái giãn, EF 34%, hở hai lá vừa, áp lực động mạch phổi 48 mmHg.")
    life.imaging(visit, on(8, 7, 20), "XR03", "", read=False)
    life.note(
        visit, on(1, 12), "vao-vien",
        (("Lý do vào viện", "Khó thở tăng dần 5 ngày, phù hai chân."),
         ("Tiền sử", "Tăng huyết áp, đái tháo đường típ 2, rung nhĩ, bệnh thận mạn 3a. Dị ứng penicilin (phản vệ độ II, 2019)."),
         ("Khám", "Tĩnh mạch cổ nổi, ran ẩm hai đáy, phù mềm hai chân, tim loạn nhịp 112 lần/phút, HA 148/88."),
         ("Chẩn đoán", "Suy tim mất bù, rung nhĩ, bệnh thận mạn 3a, đái tháo đường típ 2."),
         ("Hướng điều trị", "Furosemid tĩnh mạch, oxy 3 L/phút, theo dõi nước tiểu và điện giải.")),
    )  # fmt: skip
    for n, (seen, plan) in _COURSE.items():
        life.note(visit, on(n, 8, 15), "dieu-tri", (("Diễn biến", seen), ("Hướng xử trí", plan)), minh)
    life.note(
        visit,
        on(7, 20, 15),
        "dieu-tri",
        (
            ("Diễn biến", "Chiều 37,8 độ, ho khan. Phổi chưa ran."),
            ("Hướng xử trí", "Furosemid 40 giảm còn 20 mg uống. Chờ cấy máu."),
        ),
        tuan,
    )
    life.note(
        visit,
        on(8, 2, 30),
        "cham-soc",
        (("Theo dõi", "Sốt 38,2 độ, ho đờm vàng, không đau ngực. Đã báo bác sĩ trực, chườm ấm, uống paracetamol 500 mg."),),
        facilities.member("dd.ha"),
    )
    pending(life, visit, "CBLOOD", -4.0, 16.0)
    pending(life, visit, "CSPUT", 30.0, 1.5)
