"""The few who live with the hospital: old people with many illnesses and more than 500 encounters in eight years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from longbien.demo import admissions, facilities
from longbien.demo.chronic import YEARS_OF_RECORD, Clinic, give
from longbien.demo.life import Life
from longbien.demo.shapes import at
from longbien.fhir import systems as s


def dialysis_life(life: Life, hourly: bool = False) -> None:
    """Kidney failure: haemodialysis three times a week for four years or more, clinics around it. `hourly`: every session with
    its hourly signs, as a dialysis unit keeps them (about 10,000 observations in all)."""
    for icd, years in (("I10", 14.0), ("E11.9", 12.0), ("E78.5", 10.0), ("I25.9", 5.0)):
        give(life, icd, years)
    weeks = life.chance.randint(218, 250)
    begin = life.today - timedelta(days=weeks * 7)
    before = life.problem("N18.9", "Bệnh thận mạn giai đoạn 3-4", begin - timedelta(days=2400))
    before["clinicalStatus"] = {"coding": [{"system": s.CONDITION_CLINICAL, "code": "inactive", "display": "Inactive"}]}
    before["abatementDateTime"] = begin.isoformat()
    life.body.kidney_now, life.body.kidney_slope, life.body.kidney_failed = 7.5, 0.3, begin
    clinic = Clinic(life, life.today, every=58)
    visits = iter(list(clinic.days()))
    nxt = next(visits, None)
    days = (0, 2, 4) if life.chance.happens(0.5) else (1, 3, 5)
    hour = life.chance.choice((6, 11, 16))
    day = min(begin, nxt or begin)
    n = 0
    dry = life.body.weight(begin) - 2
    falls_ill = dict(_admissions(life, ("J18.9", "K92.2", "I50.9")))
    while day < life.today:
        while nxt and nxt <= day:
            clinic.hold(nxt)
            nxt = next(visits, None)
        if day in falls_ill:
            admissions.be_admitted(life, day, falls_ill[day])
        if day == begin:
            life.problem("N18.5", "Suy thận mạn giai đoạn 5, lọc máu chu kỳ", begin)
        if day >= begin and day.weekday() in days and day > life.inside_until:
            n += 1
            _session(life, day, hour, n, dry, hourly)
        day += timedelta(days=1)
    if clinic.last:
        life.settle(clinic.last.start)


def _admissions(life: Life, codes: tuple[str, ...]) -> Iterator[tuple[date, admissions.Stay]]:
    """One admission for each code, spread over the years of the record."""
    span = round(YEARS_OF_RECORD * 365.25) - 120
    for n, icd in enumerate(codes):
        back = span - round(span * (n + life.chance.uniform(0.1, 0.9)) / len(codes)) + 60
        yield life.today - timedelta(days=back), next(x for x in admissions.STAYS if x.icd == icd)


def _session(life: Life, day: date, hour: int, n: int, dry: float, hourly: bool) -> None:
    chance = life.chance
    mark = "SN" if life.person.home == "SN" else "BG"
    start = at(day, hour, chance.randint(0, 40))
    visit = life.visit(mark, "THAN", start, "Lọc máu chu kỳ", minutes=250)
    life.diagnoses(visit, [life.problems["N18.5"]])
    over = chance.near(2.3, 0.6, 0.8, 4.2)
    top, bottom = life.body.blood_pressure(day)
    life.vital(visit, start, "WT", dry + over)
    life.pressure(visit, start + timedelta(minutes=5), top + 8, bottom + 3)
    if hourly:
        for passed in (30, 60, 90, 120, 150, 180):
            fall = passed // 20
            life.vitals(
                visit,
                start + timedelta(minutes=passed),
                "BP HR",
                SBP=top + 6 - fall + chance.randint(-3, 3),
                DBP=bottom + 2 - fall // 2,
            )
    after = start + timedelta(minutes=245)
    life.pressure(visit, after, top - 9, bottom - 3)
    life.vital(visit, after, "WT", dry + chance.uniform(0, 0.4))
    if n % 13 == 1:
        potassium = chance.near(5.3, 0.4, 4.3, 6.1)
        life.labs(
            visit,
            start,
            ("CBC", "LYTES", "UREA", "CREA", "CA", "PHOS"),
            {"K": potassium, "HGB": chance.near(103, 7, 82, 121), "PHOS": chance.near(1.8, 0.3, 1.1, 2.7)},
        )
        life.prescribe(
            visit, "epo2000", "Tiêm dưới da 2.000 đơn vị/lần, tuần 3 lần sau lọc", days=30, reason=life.problems["N18.5"]
        )
    if n % 39 == 20:
        gained = f"{over:.1f}".replace(".", ",")
        life.note(
            visit,
            start + timedelta(minutes=60),
            "dieu-tri",
            (
                ("Diễn biến", f"Buổi lọc thứ {n}. Tăng {gained} kg giữa hai buổi. Cầu nối tốt, không tụt huyết áp."),
                ("Hướng xử trí", "Siêu lọc theo cân khô, dặn hạn chế nước và kali."),
            ),
        )


def frail_life(life: Life) -> None:
    """Heart, lungs, sugar, joints, an old stroke: clinics at three hospitals, rehabilitation courses, many admissions."""
    for icd, years in (
        ("I10", 16.0),
        ("E11.9", 9.5),
        ("E78.5", 9.0),
        ("I25.9", 7.0),
        ("I50.9", 5.0),
        ("I48", 4.0),
        ("I69.3", 6.5),
        ("J44.9", 8.0),
        ("N18.9", 4.5),
    ):
        give(life, icd, years)
    clinic = Clinic(life, life.today, every=17)
    events: list[tuple[date, int, admissions.Stay | None]] = [(d, -1, None) for d in clinic.days()]
    events += [(d, -2, stay) for d, stay in _admissions(life, ("I50.9", "J44.1", "J18.9", "I50.9"))]
    begin = life.today - timedelta(days=round(YEARS_OF_RECORD * 365.25) - 30)
    day = begin
    while day < life.today - timedelta(days=40):
        events += [(d, n, None) for n in range(30) if (d := day + timedelta(days=n)).weekday() != 6]
        day += timedelta(days=life.chance.randint(120, 165))
    for when, n, stay in sorted(events, key=lambda e: (e[0], e[1])):
        if stay:
            admissions.be_admitted(life, when, stay)
        elif n < 0:
            clinic.hold(when)
        elif when > life.inside_until:
            _exercise(life, when, n)
    if clinic.last:
        life.settle(clinic.last.start)


def _exercise(life: Life, day: date, n: int) -> None:
    mark = "SN"
    doctor = facilities.team(mark, "PHCN", "doctor")[0]
    start = at(day, 14, life.chance.randint(0, 50))
    visit = life.visit(mark, "PHCN", start, "Tập phục hồi chức năng sau đột quỵ", minutes=45, doctor=doctor)
    main = life.problems.get("I69.3")
    if main:
        life.diagnoses(visit, [main])
    top, bottom = life.body.blood_pressure(day)
    life.pressure(visit, start, top, bottom)
    if n % 5 == 0:
        life.procedure(visit, start + timedelta(minutes=5), 35, life.chance.choice(("PH07", "PH08", "PH04")))
    if n == 0:
        life.note(
            visit,
            start,
            "kham",
            (
                ("Khám", "Liệt nhẹ nửa người, cơ lực chi 4/5, đi với gậy."),
                ("Hướng xử trí", "Đợt tập 4 tuần: vận động có trợ giúp, tập đi."),
            ),
        )
