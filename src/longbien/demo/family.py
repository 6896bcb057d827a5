"""Childhood (vaccines, growth) and pregnancy (antenatal visits, birth)."""

from __future__ import annotations

from datetime import date, timedelta

from longbien.demo import facilities
from longbien.demo.chronic import YEARS_OF_RECORD
from longbien.demo.life import Life
from longbien.demo.shapes import at

# months of age: (local code, name, CVX, dose). The national programme, and what most Hanoi families add at twelve months.
SCHEDULE: dict[float, tuple[tuple[str, str, str | None, int], ...]] = {
    0.03: (("BCG", "BCG (lao)", "19", 1), ("HBV", "Viêm gan B sơ sinh", "08", 1)),
    2: (("5IN1", "Bạch hầu, ho gà, uốn ván, viêm gan B, Hib", "102", 1), ("OPV", "Bại liệt uống", "02", 1)),
    3: (("5IN1", "Bạch hầu, ho gà, uốn ván, viêm gan B, Hib", "102", 2), ("OPV", "Bại liệt uống", "02", 2)),
    4: (("5IN1", "Bạch hầu, ho gà, uốn ván, viêm gan B, Hib", "102", 3), ("OPV", "Bại liệt uống", "02", 3)),
    5: (("IPV", "Bại liệt tiêm", "10", 1),),
    9: (("MV", "Sởi", "05", 1),),
    12: (("JE", "Viêm não Nhật Bản", "39", 1), ("JE", "Viêm não Nhật Bản", "39", 2)),
    18: (("MR", "Sởi - rubella", "04", 1), ("DPT", "Bạch hầu, ho gà, uốn ván", "01", 4)),
    24: (("JE", "Viêm não Nhật Bản", "39", 3),),
}


def childhood(life: Life) -> None:
    """Vaccination days at the commune clinic with weight and height. Only what the record's years can hold."""
    birth = life.person.birth
    first = life.today - timedelta(days=round(YEARS_OF_RECORD * 365.25))
    late = 0
    for months, vaccines in SCHEDULE.items():
        late += life.chance.randint(15, 40) if months > 1 and life.chance.happens(0.08) else 0  # what is late stays late
        day = life.weekday(birth + timedelta(days=round(months * 30.44) + late + life.chance.randint(0, 12)))
        if day < first or day >= life.today:
            continue
        start = at(day, life.chance.randint(7, 10), life.chance.randint(0, 59))
        newborn = months < 1
        mark = ("BG" if life.person.home == "PS" else life.person.home) if newborn else "PS"
        if not newborn:
            visit = life.visit("PS", "TC", start, "Tiêm chủng", minutes=50, doctor=life.doctor("PS", "KKB"))
            life.vitals(visit, start, "WT HT TEMP")
        for code, name, cvx, dose in vaccines:
            when = start + timedelta(minutes=15)
            if (code, dose) == ("JE", 2):
                when += timedelta(days=14)
                if when.date() >= life.today:
                    continue
            life.vaccine(code, name, cvx, when, dose, mark)


def covid_and_flu(life: Life) -> None:
    """Two or three doses of 2021-2022 for everyone of age then; influenza each autumn for some of the old."""
    chance = life.chance
    if life.age(date(2021, 9, 1)) >= 18:
        day = date(2021, 8, 1) + timedelta(days=chance.randint(0, 60))
        for dose in (1, 2, 3)[: chance.randint(2, 3)]:
            life.vaccine("COVID19", "COVID-19", "213", at(day, chance.randint(8, 16), chance.randint(0, 59)), dose)
            day += timedelta(days=chance.randint(35, 110))
    if life.age(life.today) >= 60 and chance.happens(0.25):
        for back in range(chance.randint(1, 4), 0, -1):
            day = date(life.today.year - back, 10, chance.randint(1, 28))
            life.vaccine("CUM", "Cúm mùa", "88", at(day, 9, chance.randint(0, 59)), 1)


def births(life: Life) -> list[date]:
    """Days of birth (due days where still ahead) of this woman's children in the years of the record."""
    found = []
    day = life.today - timedelta(days=round(YEARS_OF_RECORD * 365.25))
    end = life.today + timedelta(days=250)
    while day < end:
        age = life.age(day)
        fertile = 0.13 if 23 <= age <= 32 else 0.06 if 20 <= age <= 38 else 0.0
        day += timedelta(days=91)
        if life.chance.happens(fertile / 4):
            found.append(day + timedelta(days=life.chance.randint(0, 80)))
            day += timedelta(days=700)
    return found


def pregnancy(life: Life, due: date, order: int) -> None:
    """Antenatal visits up to today; the birth where it has come."""
    chance = life.chance
    begin = due - timedelta(days=275)
    text = "Theo dõi thai bình thường" + (" (con so)" if order == 1 else "")
    mark = "BG" if life.person.home == "PS" else life.person.home
    problem = None
    life.body.carrying.append((begin + timedelta(days=80), due))
    for week, labs, image in (
        (8, "CBC ABO HBSAG HIV RPR UA10 GLU", ("US05", "Một thai trong buồng tử cung, tim thai (+), tương đương 8 tuần.")),
        (12, "DOUBLE", ("US05", "Độ mờ da gáy 1,3 mm, xương mũi (+).")),
        (22, "UA10", ("US06", "Hình thái thai chưa thấy bất thường, ước cân 480 g.")),
        (26, "OGTT0 OGTT1 OGTT2 CBC", None),
        (32, "UA10 CBC", ("US07", "Ngôi đầu, ước cân 1.850 g, ối bình thường, Doppler bình thường.")),
        (36, "CBC COAG", ("US07", "Ngôi đầu, ước cân 2.750 g, ối bình thường.")),
        (38, "", ("FN11", "Tim thai 140, dao động tốt, chưa có cơn co.")),
    ):
        day = life.weekday(begin + timedelta(days=week * 7 + chance.randint(-4, 4)))
        if day >= min(life.today, due):
            break
        start = life.clinic_time(day)
        visit = life.visit(mark, "SAN", start, f"Khám thai {week} tuần", minutes=chance.randint(40, 120))
        problem = problem or life.diagnosis("Z34.0" if order == 1 else "Z34.9", text, visit, due)
        life.diagnoses(visit, [problem])
        gain = max(0.0, (week - 10) * 0.42)
        life.vitals(visit, start, "BP HR WT", WT=life.body.weight(day) + gain)
        if week >= 12:
            life.vital(visit, start, "FHR", chance.randint(132, 152))
        if week >= 22:
            life.vital(visit, start, "FUNDAL", week - 3 + chance.randint(-1, 1))
        if labs:
            life.labs(visit, start + timedelta(minutes=20), labs.split(), _normal(life))
        if image and chance.happens(0.9):
            life.imaging(visit, start + timedelta(minutes=40), *image)
        if week in (12, 26):
            life.prescribe(visit, "fe200", "Uống 1 viên/ngày, sau ăn trưa", days=90, reason=problem)
            life.prescribe(visit, "calD", "Uống 1 viên/ngày, sau ăn sáng", days=90, reason=problem)
        if week in (8, 32):
            said = "Hết nghén, ăn được." if week > 12 else "Nghén nhẹ, ra dịch ít."
            words = f"Tim thai rõ, tử cung tương xứng {week} tuần." if week > 12 else "Thai trong buồng tử cung."
            life.note(
                visit,
                start + timedelta(minutes=30),
                "kham",
                (
                    ("Bệnh sử", said),
                    ("Khám", words),
                    ("Đánh giá", f"Thai {week} tuần, hiện bình thường."),
                    ("Hướng xử trí", "Hẹn khám thai theo lịch."),
                ),
            )
    if due < life.today - timedelta(days=6):
        _birth(life, due, mark, order)


def _normal(life: Life) -> dict[str, float | str]:
    """The blood group, and a glucose tolerance without diabetes (mmol/L)."""
    c = life.chance
    glucose = {"OGTT0": c.uniform(4.0, 4.9), "OGTT1": c.uniform(6.2, 9.4), "OGTT2": c.uniform(5.1, 8.1)}
    return {"ABO": _blood(life), **glucose}


def _blood(life: Life) -> str:
    """The blood group, drawn once in a life."""
    part = life.body.place.setdefault("ABO", life.chance.random())
    return "O" if part < 0.43 else "B" if part < 0.73 else "A" if part < 0.94 else "AB"


def _birth(life: Life, day: date, mark: str, order: int) -> None:
    chance = life.chance
    caesarean = chance.happens(0.4)
    days = 5 if caesarean else 3
    start = at(day, chance.randint(0, 20), chance.randint(0, 59))
    end = at(day + timedelta(days=days), 10, chance.randint(0, 59))
    visit = life.visit(
        mark, "SAN", start, "Thai đủ tháng, chuyển dạ", kind="IMP", end=end, bed=chance.choice(facilities.beds(mark, "SAN"))
    )
    icd, text = ("O82.9", "Mổ lấy thai") if caesarean else ("O80.9", "Đẻ thường")
    life.diagnoses(visit, [life.diagnosis(icd, text, visit, end.date())])
    life.vitals(visit, start, "BP HR TEMP")
    life.labs(visit, start + timedelta(minutes=20), ("CBC", "COAG"))
    weight = chance.randint(2700, 3700) // 50 * 50
    if caesarean:
        life.procedure(visit, start + timedelta(hours=3), 45, "SN05" if order == 1 else "SN06")
        life.prescribe(visit, "cefazo1", days=1)
    else:
        life.procedure(visit, start + timedelta(hours=7), 30, "SN01")
    life.prescribe(visit, "oxyto5", "Truyền tĩnh mạch 10 đơn vị sau sổ thai", days=1)
    life.prescribe(visit, "para500", days=3)
    grams = f"{weight // 1000}.{weight % 1000:03d}"
    baby = f"Con {chance.choice(('trai', 'gái'))}, nặng {grams} g, Apgar 9-10."
    life.note(
        visit,
        start + timedelta(hours=9),
        "dieu-tri",
        (("Diễn biến", f"{text}. {baby}"), ("Hướng xử trí", "Theo dõi co hồi tử cung, cho con bú sớm.")),
    )
    life.note(
        visit,
        end - timedelta(minutes=30),
        "ra-vien",
        (
            ("Chẩn đoán ra viện", f"Sau {text.lower()}, con lần {order}."),
            ("Tình trạng ra viện", "Mẹ ổn định, tử cung co tốt, sản dịch ít. Con bú tốt."),
            ("Hướng điều trị tiếp", "Khám lại sau 6 tuần."),
        ),
    )
