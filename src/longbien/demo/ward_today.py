"""The cardiology ward this morning: sixteen written stories in the beds of the general hospital, seen at 08:20.

The first is the one of the handbook's pictures: a man of 71 with heart failure, atrial fibrillation, kidney disease and diabetes,
eighth day, potassium 6.2 at 06:10, a chest film nobody has read, a blood culture four hours overdue.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from longbien.demo import facilities, nursing
from longbien.demo.illnesses import M1, X2
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.shapes import at, imaging_code, lab_code, stamp
from longbien.demo.starter import by
from longbien.demo.ward_stories import ARRIVAL, FIRST_COURSE, FIRST_LABS, FIRST_SIGNS, WARD, Patient
from longbien.fhir import systems as s

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
        visit,
        ordered,
        lab_code(code) if lab else imaging_code(code),
        "laboratory" if lab else "imaging",
        status="active",
        priority="urgent" if hours < 6 else "routine",
        occurrencePeriod={"start": stamp(ordered), "end": stamp(now + timedelta(hours=hours))},
    )


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
    life.vitals(emergency, start - timedelta(minutes=125), "BP HR TEMP RR SPO2", **ARRIVAL.get(p.icd, {}))
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
        visit, start - timedelta(minutes=90), [*BASIC, *[c for c in p.first if c not in ("HGB", "WBC", "K", "CREA")]], p.first
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
        visit,
        start + timedelta(minutes=45),
        "vao-vien",
        (
            ("Lý do vào viện", f"{p.reason}."),
            ("Chẩn đoán", f"{p.text}."),
            ("Hướng điều trị", "Nhập khoa Nội tim mạch, theo dõi dấu hiệu sinh tồn."),
        ),
    )
    for n in range(p.day):
        day = visit.day + timedelta(days=n)
        for hour in (6, 14) if day < life.today else (6,):
            if n == 0 and at(day, hour) < start:
                continue
            given = p.vitals if day == life.today else {}
            codes = "BP HR TEMP SPO2" + (" O2FLOW" if "O2FLOW" in given else "")
            taken = at(day, hour, chance.randint(0, 25))
            life.vitals(visit, taken, codes, **given)
            if day == life.today:
                life.vital(visit, taken, "RR", given.get("RR", 22 if given.get("SPO2", 98) < 94 else 17))
                nursing.level(life, visit, taken)
                if "O2FLOW" not in given:
                    life.vital(visit, taken, "O2FLOW", 0)
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
            p.today,
            minutes=50,
        )
    if p.note_last_night:
        life.note(visit, at(life.today, 2, 40), "cham-soc", (("Theo dõi", p.note_last_night),), facilities.member("dd.nga"))
    for code, hours in p.pending:
        pending(life, visit, code, hours)
    nursing.given(life, visit)


def decompensated(life: Life, visit: Visit) -> None:
    day1 = visit.day
    minh, tuan = facilities.member("bs.minh"), facilities.member("bs.tuan")
    heart = life.problems["I50.9"]

    def on(n: int, hour: int, minute: int = 0) -> Any:
        return at(day1 + timedelta(days=n - 1), hour, minute)

    for n, values in FIRST_LABS:
        when = on(1, 9, 10) if n == 1 else on(n, 5, 20)
        codes = [
            *(["CBC"] if "HGB" in values else []),
            "LYTES",
            *[c for c in values if c not in ("HGB", "WBC", "NEUP", "K", "NA", "CL")],
        ]
        life.labs(visit, when, codes, values, minutes=50)
    for n, (weight, top, bottom, pulse, temp, oxygen) in enumerate(FIRST_SIGNS, 1):
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
    life.vital(visit, on(8, 6), "RR", 22)
    nursing.level(life, visit, on(8, 6))
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
        visit,
        on(1, 12),
        "vao-vien",
        (
            ("Lý do vào viện", "Khó thở tăng dần 5 ngày, phù hai chân."),
            ("Tiền sử", "Tăng huyết áp, đái tháo đường típ 2, rung nhĩ, bệnh thận mạn 3a. Dị ứng penicilin (phản vệ độ II, 2019)."),
            ("Khám", "Tĩnh mạch cổ nổi, ran ẩm hai đáy, phù mềm hai chân, tim loạn nhịp 112 lần/phút, HA 148/88."),
            ("Chẩn đoán", "Suy tim mất bù, rung nhĩ, bệnh thận mạn 3a, đái tháo đường típ 2."),
            ("Hướng điều trị", "Furosemid tĩnh mạch, oxy 3 L/phút, theo dõi nước tiểu và điện giải."),
        ),
    )
    for n, (seen, plan) in FIRST_COURSE.items():
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
    nursing.given(life, visit)
