"""Short illnesses by age and by season (epidemiology.csv: season_weight)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from longbien.demo import facilities
from longbien.demo.life import Life
from longbien.demo.starter import weights

AGES = (5, 17, 44, 64, 200)  # upper ends, completed years
# contacts for short illness per person and year, by the age groups above
RATE = (2.0, 0.75, 0.5, 0.65, 0.8)


@dataclass(frozen=True, slots=True)
class Short:
    """An illness of days. `weight` by AGES; `child`/`adult`: drugs as 'code:days'; `given` fixes laboratory values."""

    icd: str
    text: str
    reason: str
    weight: tuple[float, ...]
    dept: str
    exam: str
    child: str = ""
    adult: str = ""
    labs: str = ""
    days: int = 7
    fever: float = 0.0
    season: str = ""
    image: tuple[str, str] | None = None
    sex: str = ""
    given: dict[str, float | str] = field(default_factory=dict)


SHORT: tuple[Short, ...] = (
    Short(
        "J06.9",
        "Viêm đường hô hấp trên cấp",
        "Sốt, ho, chảy mũi",
        (9, 6, 5, 3, 2),
        "NHI",
        "Họng đỏ, không mủ, phổi không ran.",
        "para150g:3 xylo:5",
        "para500:3 lorat10:5",
        days=6,
        fever=0.7,
        season="J11",
    ),
    Short(
        "J02.9",
        "Viêm họng cấp",
        "Đau họng, sốt",
        (5, 5, 4, 3, 2),
        "TMH",
        "Họng đỏ, amidan sưng độ I, hạch góc hàm nhỏ.",
        "para250g:3 amox250g:7",
        "para500:3 augm1g:7",
        days=7,
        fever=0.8,
    ),
    Short(
        "J20.9",
        "Viêm phế quản cấp",
        "Ho đờm, sốt nhẹ",
        (5, 2, 2, 3, 4),
        "HH",
        "Phổi ran ngáy rải rác hai bên, không ran nổ.",
        "ambro30:5 para150g:3",
        "ambro30:7 azi500:3",
        "CBC CRP",
        9,
        0.4,
        "J18",
        ("XR01", "Rốn phổi đậm hai bên, không thấy đám mờ khu trú."),
        given={"CRP": 14.0},
    ),
    Short(
        "A09",
        "Tiêu chảy cấp",
        "Đi ngoài phân lỏng nhiều lần",
        (5, 2, 2, 1.5, 1.5),
        "NHI",
        "Bụng mềm, không có dấu mất nước nặng.",
        "ors:3 zinc20:10 probio:5",
        "ors:2 diosm3:3 probio:5",
        "",
        5,
        0.4,
        "A09",
    ),
    Short(
        "B08.4",
        "Tay chân miệng độ 1",
        "Sốt, loét miệng, phỏng nước tay chân",
        (3, 0.3, 0, 0, 0),
        "NHI",
        "Loét họng, phỏng nước lòng bàn tay, không giật mình.",
        "para150g:3",
        "",
        "",
        7,
        0.6,
        "B08.4",
    ),
    Short(
        "L20.9",
        "Viêm da cơ địa",
        "Ngứa, da khô đỏ",
        (1.5, 1, 0.8, 0.4, 0.4),
        "KKB",
        "Mảng đỏ, khô, ngứa nếp khuỷu.",
        "hydroc:7",
        "hydroc:7 lorat10:7",
    ),
    Short(
        "H10.9",
        "Viêm kết mạc",
        "Đỏ mắt, ra gỉ",
        (1, 1.2, 1, 0.7, 0.5),
        "MAT",
        "Kết mạc cương tụ, giác mạc trong.",
        "tobraE:7",
        "tobraE:7",
        season="H10",
    ),
    Short(
        "J11.1",
        "Cúm mùa",
        "Sốt cao, đau mỏi người",
        (2, 2, 2, 1, 1),
        "TN",
        "Họng đỏ, phổi không ran.",
        "para250g:3",
        "para500:4 oselta75:5",
        "FLUAB",
        6,
        1.2,
        "J11",
        given={"FLUAB": "Dương tính (cúm A)"},
    ),
    Short(
        "A97.0",
        "Sốt xuất huyết Dengue",
        "Sốt cao ngày thứ 3, đau mỏi người",
        (0.5, 1.2, 1.5, 0.8, 0.5),
        "TN",
        "Da xung huyết, chưa xuất huyết, gan không to.",
        "para250g:4 ors:4",
        "para500:4 ors:4",
        "CBC DENNS1",
        8,
        1.6,
        "A97",
        given={"DENNS1": "Dương tính", "PLT": 112, "WBC": 3.1, "HGB": 146},
    ),
    Short(
        "K29.5",
        "Viêm dạ dày mạn",
        "Đau thượng vị, ợ chua",
        (0, 0.5, 2, 2.6, 2),
        "TH",
        "Bụng mềm, ấn đau nhẹ thượng vị.",
        "",
        "esom40:28 alumag:14",
        "",
        28,
        0,
        "",
        ("ES01", "Viêm sung huyết hang vị mức độ vừa."),
    ),
    Short(
        "K21.9",
        "Trào ngược dạ dày thực quản",
        "Nóng rát sau xương ức",
        (0, 0.1, 1.2, 1.4, 1.2),
        "TH",
        "Bụng mềm, không đau.",
        "",
        "rabe20:28 dompe10:14",
        days=28,
    ),
    Short(
        "M54.5",
        "Đau thắt lưng",
        "Đau lưng sau bê nặng",
        (0, 0.1, 1.8, 2.4, 2.6),
        "CXK",
        "Co cứng cơ cạnh sống, Lasègue âm tính.",
        "",
        "melo75:7 eper50:10",
        "",
        14,
        0,
        "",
        ("XR10", "Thoái hóa cột sống thắt lưng, không thấy xẹp đốt sống."),
    ),
    Short(
        "M17.9",
        "Thoái hóa khớp gối",
        "Đau gối khi lên xuống cầu thang",
        (0, 0, 0.1, 1.8, 3.5),
        "CXK",
        "Khớp gối lạo xạo, không sưng nóng.",
        "",
        "gluco1500:30 para500:10",
        "",
        30,
        0,
        "",
        ("XR20", "Hẹp khe khớp đùi chày trong, gai xương mâm chày."),
    ),
    Short(
        "N39.0",
        "Nhiễm khuẩn tiết niệu",
        "Đái buốt, đái rắt",
        (0.3, 0.3, 1, 1, 1.3),
        "THAN",
        "Bụng mềm, hố thắt lưng không đau.",
        "",
        "fosfo3:1",
        "UA10",
        7,
        0.3,
        given={"ULEU": "Dương tính (3+)", "UNIT": "Dương tính"},
    ),
    Short(
        "H81.1",
        "Chóng mặt tư thế kịch phát lành tính",
        "Chóng mặt khi đổi tư thế",
        (0, 0, 0.5, 1.2, 1.6),
        "TK",
        "Dix-Hallpike dương tính bên phải.",
        "",
        "betah16:14",
    ),
    Short(
        "J30.4",
        "Viêm mũi dị ứng",
        "Hắt hơi, ngạt mũi",
        (0.7, 1.8, 1.6, 0.8, 0.4),
        "TMH",
        "Niêm mạc mũi nhợt, dịch trong.",
        "lorat10:10",
        "momet:30 deslo5:14",
        days=20,
    ),
    Short("K02.9", "Sâu răng", "Đau răng", (0.8, 1.5, 1.2, 1, 0.8), "KKB", "Sâu ngà răng hàm dưới.", "", "para500:3"),
    Short(
        "G47.0",
        "Mất ngủ",
        "Khó vào giấc",
        (0, 0, 0.4, 0.9, 1.4),
        "NOI",
        "Khám thần kinh không dấu khu trú.",
        "",
        "rotun30:14",
        days=30,
    ),
    Short(
        "D50.9",
        "Thiếu máu thiếu sắt",
        "Mệt, hoa mắt",
        (0.4, 0.2, 0.7, 0.5, 0.5),
        "NOI",
        "Niêm mạc nhợt, tim đều.",
        "",
        "feIII:90",
        "CBC FERR",
        90,
        0,
        given={"HGB": 98, "MCV": 72, "FERR": 8.0},
        sex="F",
    ),
    Short(
        "Z00.0",
        "Khám sức khỏe định kỳ",
        "Khám sức khỏe định kỳ",
        (0, 0, 2.6, 2, 0.8),
        "KKB",
        "Khám nội khoa chưa phát hiện bất thường.",
        "",
        "",
        "CBC GLU LIPID CREA ALT AST UA10",
        1,
        0,
        "",
        ("XR01", "Hình ảnh tim phổi bình thường."),
    ),
    Short(
        "S93.4",
        "Bong gân cổ chân",
        "Trẹo chân",
        (0.1, 1, 0.9, 0.4, 0.3),
        "CTCH",
        "Sưng nề mắt cá ngoài, còn vận động.",
        "",
        "para500:5",
        days=21,
        image=("XR22", "Không thấy hình ảnh gãy xương."),
    ),
)


@cache
def season(key: str) -> tuple[float, ...]:
    """Twelve weights, mean 1; level where the key has none."""
    found = {int(span): v for k, span, _, v in weights("season_weight") if k == key}
    return tuple(found.get(m, 1.0) for m in range(1, 13))


def group(age: int) -> int:
    return next(n for n, top in enumerate(AGES) if age <= top)


def schedule(life: Life, begin: date, until: date) -> Iterator[tuple[date, Short]]:
    """Days of short illness between two dates, the season weighing each."""
    chance = life.chance
    appetite = chance.near(1.0, 0.45, 0.25, 2.4)  # some come for everything, some for nothing
    day = begin
    while day < until:
        g = group(life.age(day))
        day += timedelta(days=max(6, round(chance.expovariate(RATE[g] * appetite) * 365)))
        if day >= until:
            return
        month = day.month - 1
        g = group(life.age(day))
        choices = [
            (x, x.weight[g] * (season(x.season)[month] if x.season else 1.0))
            for x in SHORT
            if x.weight[g] and x.sex in ("", life.person.sex)
        ]
        yield life.weekday(day), chance.weighted(choices)


def be_ill(life: Life, day: date, ill: Short) -> None:
    """One outpatient visit for a short illness."""
    if day <= life.inside_until:
        return
    chance = life.chance
    child = life.age(day) < 15
    mark = life.person.home
    if mark == "SN" and ill.icd in ("J06.9", "A09", "J02.9") and chance.happens(0.35):
        mark = "PS"
    if mark == "PS" and (ill.labs or ill.image):
        mark = "BG"
    dept = "NHI" if child and facilities.has(mark, "NHI") else ill.dept
    if not facilities.has(mark, dept):
        dept = "KKB"
    start = life.clinic_time(day)
    visit = life.visit(mark, dept, start, ill.reason, minutes=chance.randint(25, 150))
    condition = life.diagnosis(ill.icd, ill.text, visit, day + timedelta(days=ill.days))
    life.diagnoses(visit, [condition])
    temp = (37.3 if ill.fever >= 0.5 else 36.7) + ill.fever * chance.uniform(0.5, 1.3)
    seen = life.vitals(visit, start, "HR TEMP WT" if child else "BP HR TEMP", TEMP=temp)
    if ill.labs and mark != "PS":
        given = {k: v * chance.uniform(0.93, 1.07) if isinstance(v, float | int) else v for k, v in ill.given.items()}
        life.labs(visit, start + timedelta(minutes=15), ill.labs.split(), given)
    if ill.image and mark != "PS" and chance.happens(0.7):
        life.imaging(visit, start + timedelta(minutes=30), *ill.image)
    drugs = ill.child if child else ill.adult
    allergic = {r["code"]["text"] for r in life.out if r["resourceType"] == "AllergyIntolerance"}
    names = []
    for item in drugs.split():
        drug, days = item.split(":")
        if drug in ("augm1g", "amox250g") and "Penicillin" in allergic:
            drug = "azi500"
        if drug == "melo75" and ("Aspirin, NSAID" in allergic or "N18.9" in life.problems or "I50.9" in life.problems):
            drug = "para500"
        request = life.prescribe(visit, drug, days=int(days), reason=condition)
        names.append(request["medicationCodeableConcept"]["text"])
    said = f"Nhiệt độ {seen['TEMP']:.1f} °C. ".replace(".", ",", 1) + ill.exam
    plan = chance.choice(("Dặn dấu hiệu cần khám lại ngay.", "Uống nhiều nước, nghỉ ngơi.", "Khám lại khi không đỡ sau 3 ngày."))
    if names or ill.labs:
        life.note(
            visit,
            start + timedelta(minutes=20),
            "kham",
            (("Lý do khám", ill.reason + "."), ("Khám", said), ("Đánh giá", ill.text + "."), ("Hướng xử trí", plan)),
        )
