# ruff: noqa: E501 - rows of figures
"""Made-up lives for the drawing's tests: an inpatient with heart failure, and a life of 700 encounters."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from longbien.web.chart.record import (
    Allergy,
    DrugOrder,
    Image,
    Life,
    Note,
    Pending,
    Person,
    Problem,
    Series,
    Visit,
)

LOINC = "http://loinc.org"
NOW = datetime(2026, 11, 23, 1, 12, tzinfo=UTC)  # 08:12 in Hanoi
LOOK = datetime(2026, 11, 22, 9, 40, tzinfo=UTC)


def at(text: str) -> datetime:
    """dd/mm/yy [HH:MM], Hanoi."""
    form = "%d/%m/%y %H:%M" if " " in text else "%d/%m/%y"
    return datetime.strptime(text, form).replace(tzinfo=UTC) - timedelta(hours=7)


def series(code: str, unit: str, points: list[tuple[str, float]], **more: float) -> Series:
    return Series(
        LOINC, code, unit, [at(t) for t, _ in points], [v for _, v in points], [f"{code}-{i}" for i in range(len(points))], **more
    )


def heart_failure() -> Life:
    bp = [("12/03/22", 158, 92), ("20/06/23", 142, 84), ("22/10/24", 135, 78), ("12/12/25", 141, 82), ("16/11/26 09:00", 168, 98),
          ("17/11/26 06:00", 146, 88), ("18/11/26 18:00", 128, 76), ("20/11/26 06:00", 122, 72), ("22/11/26 10:00", 118, 68),
          ("23/11/26 02:30", 128, 74), ("23/11/26 06:00", 112, 66)]  # fmt: skip
    home, other = "Bệnh viện đa khoa Sông Nhuệ", "Bệnh viện tim Hồ Sen"
    return Life(
        Person("thuong", "Nguyễn Văn Thưởng", "male", "1955-03-14", "", "001055004471", "HT3010112344471", "0912555384", "P. Vĩnh Tuy, Hà Nội"),
        [Visit(f"v{i}", at(d), at(d), "AMB", "finished", p, p, "Khám tim mạch") for i, (d, p) in enumerate(
            (("12/03/22", home), ("20/12/22", home), ("20/09/23", other), ("20/06/24", home), ("12/12/25", other)))]
        + [Visit("stay", at("16/11/26 08:00"), None, "IMP", "in-progress", home, home, "Nội trú", "Nội tim mạch", "P.412 · 12")],
        [
            DrugOrder("d1", "C03CA01", "Furosemid", "20 mg", at("20/06/23"), at("16/11/26"), "completed"),
            DrugOrder("d2", "C03CA01", "Furosemid", "40 mg tiêm × 2", at("16/11/26 09:00"), at("20/11/26 08:00"), "completed"),
            DrugOrder("d3", "C03CA01", "Furosemid", "20 mg", at("22/11/26 20:15"), None, "active", "", "BS. Tuấn"),
            DrugOrder("d4", "C03DA01", "Spironolacton", "25 mg uống", at("17/11/26 08:00"), None, "active"),
            DrugOrder("d5", "C09CA01", "Losartan", "50 mg", at("12/03/22"), at("18/11/26 08:00"), "stopped"),
            DrugOrder("d6", "C07AB07", "Bisoprolol", "2,5 mg uống", at("14/02/24"), None, "active"),
        ],
        [Note("n1", "Composition", at("16/11/26 09:00"), "Bệnh án", "BS. Minh"), Note("n2", "Composition", at("22/11/26 08:30"), "Tờ điều trị", "BS. Minh"),
         Note("n3", "Composition", at("23/11/26 02:30"), "Điều dưỡng", "ĐD. Hà", "sốt 38,2 °C, ho đờm vàng")],
        [Image("i1", "ImagingStudy", at("20/03/22"), "XQ", "X-quang ngực"), Image("i2", "ImagingStudy", at("20/06/23"), "SA", "Siêu âm tim"),
         Image("i3", "ImagingStudy", at("23/11/26 07:20"), "XQ", "X-quang ngực", "available")],
        [Problem("p1", "Suy tim mất bù", "I50.0", True), Problem("p2", "Rung nhĩ", "I48", True), Problem("p3", "Viêm phổi", "J18", False)],
        [Allergy("a1", "Penicillin", "phản vệ độ II", "2019", True), Allergy("a2", "Tôm", "mày đay", "", False)],
        [
            series("8480-6", "mm[Hg]", [(t, s) for t, s, _ in bp]),
            series("8462-4", "mm[Hg]", [(t, d) for t, _, d in bp]),
            series("8867-4", "/min", [("12/03/22", 84), ("12/12/25", 82), ("16/11/26 09:00", 124), ("18/11/26 06:00", 94), ("22/11/26 10:00", 80), ("23/11/26 02:30", 106), ("23/11/26 06:00", 96)]),
            series("8310-5", "Cel", [("16/11/26 09:00", 36.8), ("20/11/26 08:00", 36.8), ("22/11/26 18:00", 37.2), ("23/11/26 02:30", 38.2), ("23/11/26 06:00", 37.9)]),
            series("59408-5", "%", [("12/12/25", 96), ("16/11/26 09:00", 88), ("20/11/26 08:00", 96), ("23/11/26 06:00", 94)]),
            series("29463-7", "kg", [("12/12/25", 66.0), ("16/11/26 09:00", 65.7), ("23/11/26 06:00", 61.5)]),
            series("14682-9", "umol/L", [("12/03/22", 96), ("20/06/23", 104), ("22/10/24", 118), ("12/12/25", 121), ("16/11/26 09:00", 168), ("18/11/26 06:00", 182), ("22/11/26 06:00", 151), ("23/11/26 06:10", 142)]),
            series("2823-3", "mmol/L", [("12/03/22", 4.1), ("22/10/24", 4.4), ("16/11/26 09:00", 4.6), ("18/11/26 06:00", 4.2), ("21/11/26 06:00", 5.3), ("22/11/26 06:00", 5.8), ("23/11/26 06:10", 6.2)]),
            series("1988-5", "mg/L", [("12/03/22", 3), ("16/11/26 09:00", 14), ("21/11/26 06:00", 12), ("23/11/26 06:10", 48)]),
            series("718-7", "g/L", [("12/03/22", 134), ("22/10/24", 126), ("16/11/26 09:00", 115), ("23/11/26 06:10", 118)]),
        ],
        [Pending("q1", "Cấy máu", at("21/11/26 10:00"), at("23/11/26 04:12"), "XN vi sinh")],
        [("HT 3 · 95 %", "HT3010112344471", "2026-12-31")],
        [("Điều trị", "Lê Hoàng Minh"), ("Điều dưỡng", "Phạm Thu Hà")],
    )  # fmt: skip


def crowded(encounters: int = 700, observations: int = 10_000) -> Life:
    """An old patient seen everywhere: what the budget of the chart is measured on."""
    r = random.Random(20261123)
    codes = ["8480-6", "8867-4", "8310-5", "9279-1", "59408-5", "29463-7", "14682-9", "2823-3", "2951-2", "4548-4", "718-7",
             "6690-2", "777-3", "1988-5", "14771-0", "22664-7", "2093-3", "2571-8", "1742-6", "1920-8"]  # fmt: skip
    places = ["Bệnh viện đa khoa Sông Nhuệ", "Bệnh viện tim Hồ Sen", "Trạm y tế Cầu Mây", "Bệnh viện Đầm Trấu"]
    life = heart_failure()
    each = observations // (len(codes) + 1)
    life.series = []
    for code in codes:
        times = sorted(NOW - timedelta(days=r.random() ** 2 * 1800) for _ in range(each))
        base = {"8480-6": 135.0, "8867-4": 80.0, "8310-5": 37.0, "59408-5": 96.0, "718-7": 130.0}.get(code, 50.0)
        life.series.append(
            Series(LOINC, code, "", times, [round(base * r.gauss(1, 0.05), 1) for _ in times], [f"{code}-{i}" for i in range(each)])
        )
    top = life.series[0]
    life.series.append(Series(LOINC, "8462-4", "", top.times, [v - 50 for v in top.values], top.ids))
    start = NOW - timedelta(days=1820)
    for i in range(encounters - len(life.visits)):
        t = start + timedelta(days=r.random() * 1800)
        place = r.choice(places)
        life.visits.append(Visit(f"e{i}", t, t + timedelta(hours=2), "AMB", "finished", place, place, "Khám"))
    for i in range(600):
        t = start + timedelta(days=r.random() * 1800)
        life.drugs.append(
            DrugOrder(f"r{i}", f"X{i % 40}", f"Thuốc {i % 40}", r.choice(["5 mg", "10 mg"]), t, t + timedelta(days=30), "completed")
        )
        life.notes.append(Note(f"m{i}", "Composition", t, "Tờ điều trị", "BS. Minh"))
    return life
