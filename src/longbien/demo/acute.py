"""Short illnesses and admissions, by age and by season (epidemiology.csv: season_weight, mean_stay)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from longbien.demo import facilities
from longbien.demo.chronic import upper
from longbien.demo.life import Life, Visit, at
from longbien.demo.starter import weights
from longbien.fhir import systems

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
    Short("J06.9", "Viêm đường hô hấp trên cấp", "Sốt, ho, chảy mũi", (9, 6, 5, 3, 2), "NHI", "Họng đỏ, không mủ, phổi không ran.",
          "para150g:3 xylo:5", "para500:3 lorat10:5", days=6, fever=0.7, season="J11"),
    Short("J02.9", "Viêm họng cấp", "Đau họng, sốt", (5, 5, 4, 3, 2), "TMH", "Họng đỏ, amidan sưng độ I, hạch góc hàm nhỏ.",
          "para250g:3 amox250g:7", "para500:3 augm1g:7", days=7, fever=0.8),
    Short("J20.9", "Viêm phế quản cấp", "Ho đờm, sốt nhẹ", (5, 2, 2, 3, 4), "HH", "Phổi ran ngáy rải rác hai bên, không ran nổ.",
          "ambro30:5 para150g:3", "ambro30:7 azi500:3", "CBC CRP", 9, 0.4, "J18", ("XR01", "Rốn phổi đậm hai bên, không thấy đám mờ khu trú."),
          given={"CRP": 14.0}),
    Short("A09", "Tiêu chảy cấp", "Đi ngoài phân lỏng nhiều lần", (5, 2, 2, 1.5, 1.5), "NHI", "Bụng mềm, không có dấu mất nước nặng.",
          "ors:3 zinc20:10 probio:5", "ors:2 diosm3:3 probio:5", "", 5, 0.4, "A09"),
    Short("B08.4", "Tay chân miệng độ 1", "Sốt, loét miệng, phỏng nước tay chân", (3, 0.3, 0, 0, 0), "NHI",
          "Loét họng, phỏng nước lòng bàn tay, không giật mình.", "para150g:3", "", "", 7, 0.6, "B08.4"),
    Short("L20.9", "Viêm da cơ địa", "Ngứa, da khô đỏ", (1.5, 1, 0.8, 0.4, 0.4), "KKB", "Mảng đỏ, khô, ngứa nếp khuỷu.", "hydroc:7", "hydroc:7 lorat10:7"),
    Short("H10.9", "Viêm kết mạc", "Đỏ mắt, ra gỉ", (1, 1.2, 1, 0.7, 0.5), "MAT", "Kết mạc cương tụ, giác mạc trong.", "tobraE:7", "tobraE:7", season="H10"),
    Short("J11.1", "Cúm mùa", "Sốt cao, đau mỏi người", (2, 2, 2, 1, 1), "TN", "Họng đỏ, phổi không ran.", "para250g:3", "para500:4 oselta75:5",
          "FLUAB", 6, 1.2, "J11", given={"FLUAB": "Dương tính (cúm A)"}),
    Short("A97.0", "Sốt xuất huyết Dengue", "Sốt cao ngày thứ 3, đau mỏi người", (0.5, 1.2, 1.5, 0.8, 0.5), "TN",
          "Da xung huyết, chưa xuất huyết, gan không to.", "para250g:4 ors:4", "para500:4 ors:4", "CBC DENNS1", 8, 1.6, "A97",
          given={"DENNS1": "Dương tính", "PLT": 112, "WBC": 3.1, "HGB": 146}),
    Short("K29.5", "Viêm dạ dày mạn", "Đau thượng vị, ợ chua", (0, 0.5, 2, 2.6, 2), "TH", "Bụng mềm, ấn đau nhẹ thượng vị.",
          "", "esom40:28 alumag:14", "", 28, 0, "", ("ES01", "Viêm sung huyết hang vị mức độ vừa.")),
    Short("K21.9", "Trào ngược dạ dày thực quản", "Nóng rát sau xương ức", (0, 0.1, 1.2, 1.4, 1.2), "TH", "Bụng mềm, không đau.", "", "rabe20:28 dompe10:14", days=28),
    Short("M54.5", "Đau thắt lưng", "Đau lưng sau bê nặng", (0, 0.1, 1.8, 2.4, 2.6), "CXK", "Co cứng cơ cạnh sống, Lasègue âm tính.",
          "", "melo75:7 eper50:10", "", 14, 0, "", ("XR10", "Thoái hóa cột sống thắt lưng, không thấy xẹp đốt sống.")),
    Short("M17.9", "Thoái hóa khớp gối", "Đau gối khi lên xuống cầu thang", (0, 0, 0.1, 1.8, 3.5), "CXK", "Khớp gối lạo xạo, không sưng nóng.",
          "", "gluco1500:30 para500:10", "", 30, 0, "", ("XR20", "Hẹp khe khớp đùi chày trong, gai xương mâm chày.")),
    Short("N39.0", "Nhiễm khuẩn tiết niệu", "Đái buốt, đái rắt", (0.3, 0.3, 1, 1, 1.3), "THAN", "Bụng mềm, hố thắt lưng không đau.",
          "", "fosfo3:1", "UA10", 7, 0.3, given={"ULEU": "Dương tính (3+)", "UNIT": "Dương tính"}),
    Short("H81.1", "Chóng mặt tư thế kịch phát lành tính", "Chóng mặt khi đổi tư thế", (0, 0, 0.5, 1.2, 1.6), "TK", "Dix-Hallpike dương tính bên phải.", "", "betah16:14"),
    Short("J30.4", "Viêm mũi dị ứng", "Hắt hơi, ngạt mũi", (0.7, 1.8, 1.6, 0.8, 0.4), "TMH", "Niêm mạc mũi nhợt, dịch trong.", "lorat10:10", "momet:30 deslo5:14", days=20),
    Short("K02.9", "Sâu răng", "Đau răng", (0.8, 1.5, 1.2, 1, 0.8), "KKB", "Sâu ngà răng hàm dưới.", "", "para500:3"),
    Short("G47.0", "Mất ngủ", "Khó vào giấc", (0, 0, 0.4, 0.9, 1.4), "NOI", "Khám thần kinh không dấu khu trú.", "", "rotun30:14", days=30),
    Short("D50.9", "Thiếu máu thiếu sắt", "Mệt, hoa mắt", (0.4, 0.2, 0.7, 0.5, 0.5), "NOI", "Niêm mạc nhợt, tim đều.", "", "feIII:90", "CBC FERR",
          90, 0, given={"HGB": 98, "MCV": 72, "FERR": 8.0}, sex="F"),
    Short("Z00.0", "Khám sức khỏe định kỳ", "Khám sức khỏe định kỳ", (0, 0, 2.6, 2, 0.8), "KKB", "Khám nội khoa chưa phát hiện bất thường.",
          "", "", "CBC GLU LIPID CREA ALT AST UA10", 1, 0, "", ("XR01", "Hình ảnh tim phổi bình thường.")),
    Short("S93.4", "Bong gân cổ chân", "Trẹo chân", (0.1, 1, 0.9, 0.4, 0.3), "CTCH", "Sưng nề mắt cá ngoài, còn vận động.", "", "para500:5",
          days=21, image=("XR22", "Không thấy hình ảnh gãy xương.")),
)  # fmt: skip


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
    temp = 36.8 + ill.fever * chance.uniform(0.5, 1.5)
    seen = life.vitals(visit, start, "HR TEMP WT" if child else "BP HR TEMP", TEMP=temp)
    if ill.labs and mark != "PS":
        given = {k: v * chance.uniform(0.93, 1.07) if isinstance(v, float | int) else v for k, v in ill.given.items()}
        life.labs(visit, start + timedelta(minutes=15), ill.labs.split(), **given)
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


# --- admissions


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
    leaves: tuple[str, str] | None = None  # a lasting illness that begins with it
    mark: str = ""


STAYS: tuple[Stay, ...] = (
    Stay("J18.9", "Viêm phổi", "Sốt, ho, khó thở", "HH", 7, (0.035, 0.006, 0.003, 0.006, 0.022), "CBC CRP LYTES CREA",
         "ceftri1 para1gtt ambro30", ("Còn sốt, ran nổ đáy phổi phải.", "Đỡ sốt, ăn được, SpO₂ ổn định.", "Hết sốt, phổi còn ít ran."),
         season="J18", image=("XR01", "Đám mờ thùy dưới phổi phải, nghĩ viêm phổi."), fever=1.6, given={"CRP": 96.0, "WBC": 15.2, "NEUP": 84.0}),
    Stay("A97.1", "Sốt xuất huyết Dengue có dấu hiệu cảnh báo", "Sốt ngày thứ 4, đau bụng, nôn", "TN", 6, (0.002, 0.006, 0.006, 0.004, 0.003),
         "CBC DENNS1 ALT AST", "ringer para500", ("Hết sốt, tiểu cầu giảm, theo dõi sát hematocrit.", "Ban hồi phục, ăn khá hơn.", "Tiểu cầu tăng lại."),
         season="A97", fever=1.2, given={"PLT": 46, "WBC": 2.6, "HGB": 158, "DENNS1": "Dương tính", "AST": 148.0, "ALT": 96.0}),
    Stay("J44.1", "Đợt cấp bệnh phổi tắc nghẽn mạn tính", "Khó thở tăng, khạc đờm đục", "HH", 8, (0, 0, 0, 0, 0), "CBC CRP ABG LYTES CREA",
         "combi mpred40 levo750p", ("Khó thở giảm, ran rít còn nhiều.", "Thở oxy 2 L/phút, SpO₂ 93%.", "Bỏ oxy, đi lại được."),
         "J44.9", 0.16, "J44", ("XR01", "Hình ảnh khí phế thũng, không thấy đám mờ khu trú."), fever=0.4,
         given={"PCO2": 49.0, "PO2": 61.0, "PHA": 7.36, "SO2A": 90.0, "CRP": 32.0}),
    Stay("I50.9", "Đợt mất bù suy tim", "Khó thở, phù chân tăng", "TM", 8, (0, 0, 0, 0, 0), "CBC LYTES CREA UREA BNPNT TNT",
         "furo20t spiro25 enoxa40", ("Đái nhiều, bớt khó thở, cân giảm 1,2 kg.", "Nằm đầu thấp được, phù giảm.", "Hết phù, chuyển furosemid uống."),
         "I50.9", 0.22, "", ("XR01", "Bóng tim to, ứ huyết phổi hai bên."), given={"BNPNT": 6850.0, "TNT": 31.0}),
    Stay("I63.9", "Nhồi máu não", "Yếu nửa người phải, nói khó", "TK", 10, (0, 0, 0.0004, 0.004, 0.011), "CBC GLURND LYTES CREA LIPID COAG",
         "asp81 clopi75 atorva20", ("Cơ lực tay phải 3/5, chân 4/5.", "Tập vận động tại giường.", "Nói rõ hơn, tự ngồi được."),
         season="I63", image=("CT01", "Ổ giảm tỷ trọng vùng cấp máu động mạch não giữa trái, không thấy chảy máu."), leaves=("I69.3", "Di chứng nhồi máu não")),
    Stay("I21.4", "Nhồi máu cơ tim không ST chênh lên", "Đau ngực trái lan vai 2 giờ", "TM", 7, (0, 0, 0.0004, 0.003, 0.006), "CBC TNT CKMB LYTES CREA LIPID",
         "asp81 tica90 enoxa60 atorva20", ("Hết đau ngực sau can thiệp.", "Huyết động ổn định.", "Đi lại trong phòng không đau ngực."),
         season="I21", image=("XA01", "Hẹp 90% đoạn II động mạch vành phải; đã đặt một stent phủ thuốc, dòng chảy TIMI 3."), given={"TNT": 486.0, "CKMB": 64.0},
         leaves=("I25.9", "Bệnh tim thiếu máu cục bộ mạn"), mark="NC"),
    Stay("K35.8", "Viêm ruột thừa cấp", "Đau hố chậu phải", "NGOAI", 4, (0.0004, 0.003, 0.002, 0.001, 0.0008), "CBC CRP COAG LYTES",
         "cefosul metro500p para1gtt", ("Hậu phẫu ngày 1, vết mổ khô.", "Trung tiện, ăn cháo.", "Vết mổ khô, bụng mềm."),
         image=("US01", "Ruột thừa đường kính 9 mm, thâm nhiễm mỡ quanh."), procedure=("PT01", 55), fever=0.8, given={"WBC": 15.8, "NEUP": 86.0, "CRP": 61.0}),
    Stay("K80.0", "Sỏi túi mật, viêm túi mật cấp", "Đau hạ sườn phải, sốt", "NGOAI", 6, (0, 0, 0.0006, 0.002, 0.003), "CBC CRP BILT ALT AST",
         "cefosul metro500p drota40t", ("Hậu phẫu ngày 1, đau ít.", "Ăn được, không sốt.", "Rút dẫn lưu."),
         image=("US01", "Túi mật căng, sỏi 14 mm, thành dày."), procedure=("PT03", 75), fever=0.9, given={"WBC": 14.1, "CRP": 88.0, "BILT": 29.0}),
    Stay("K92.2", "Xuất huyết tiêu hóa", "Đi ngoài phân đen", "TH", 6, (0, 0, 0.0006, 0.002, 0.004), "CBC COAG UREA CREA", "panto40t nacl09",
         ("Phân còn đen, huyết động ổn.", "Phân vàng lại, ăn cháo.", "Không xuất huyết tái phát."),
         image=("ES01", "Loét hành tá tràng Forrest IIc."), procedure=("TT31", 90), given={"HGB": 79, "UREA": 12.4}),
    Stay("S72.0", "Gãy cổ xương đùi", "Ngã, đau háng, không đi được", "CTCH", 10, (0, 0, 0, 0.0004, 0.006), "CBC COAG CREA LYTES", "enoxa40 para1gtt cefazo1",
         ("Hậu phẫu ngày 1, tập ngồi.", "Tập đứng với khung.", "Đi với khung, vết mổ khô."), image=("XR18", "Gãy cổ xương đùi phải, di lệch."), procedure=("PT14", 110), given={"HGB": 104}),
    Stay("A09", "Tiêu chảy cấp mất nước", "Nôn, tiêu chảy, li bì", "NHI", 4, (0.02, 0.002, 0.0005, 0.0005, 0.002), "CBC LYTES CREA", "ringer ors zinc20",
         ("Đỡ nôn, uống oresol được.", "Phân sệt, hết nôn.", "Chơi, ăn được."), season="A08.0", fever=0.7),
    Stay("H25.9", "Đục thủy tinh thể người già", "Nhìn mờ tăng dần", "MAT", 1, (0, 0, 0, 0.004, 0.02), "CBC GLU", "tobradex",
         ("Mắt êm, thị lực tăng.",), procedure=("PT25", 25), emergency=False),
)  # fmt: skip


def _odds(life: Life, stay: Stay, day: date) -> float:
    odds = stay.yearly[group(life.age(day))]
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
        for stay in STAYS:
            p = _odds(life, stay, day) / 12
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
        life.vitals(first, start, "BP HR TEMP RR SPO2", TEMP=36.9 + stay.fever)
        start = first.end or start
        admit = {"admitSource": {"text": "Khoa Cấp cứu"}}
    end = at(start.date() + timedelta(days=days), chance.randint(9, 15), chance.randint(0, 59))
    life.inside_until = end.date()
    home = {"coding": [{"system": systems.DISCHARGE, "code": "home", "display": "Home"}], "text": "Ra viện"}
    beds = facilities.beds(mark, dept)
    visit = life.visit(
        mark, dept, start, stay.reason, kind="IMP", end=end, bed=chance.choice(beds) if beds else None,
        hospitalization={**admit, "dischargeDisposition": home},
    )  # fmt: skip
    condition = life.diagnosis(stay.icd, stay.text, visit, end.date())
    others = [c for code, c in life.problems.items() if life.body.since[code] <= day][:4]
    life.diagnoses(visit, [condition, *others])
    first_labs = life.labs(visit, start + timedelta(minutes=30), stay.labs.split(), **_vary(life, stay))
    if stay.image:
        life.imaging(visit, start + timedelta(minutes=50), *stay.image)
    hospital_drugs(life, visit, stay, condition, days)
    life.note(visit, start + timedelta(minutes=70), "vao-vien", admission(life, stay, first_labs, others))
    if stay.procedure:
        life.procedure(visit, start + timedelta(hours=5), stay.procedure[1], stay.procedure[0])
    for n in range(1, days):
        when = at(start.date() + timedelta(days=n), 8, chance.randint(0, 40))
        easing = max(0.0, stay.fever * (1 - n / max(2, days * 0.6)))
        life.vitals(
            visit,
            when - timedelta(hours=1),
            "BP HR TEMP" if not child else "HR TEMP",
            TEMP=36.8 + easing + chance.uniform(-0.2, 0.2),
        )
        if n % 2 == 1 and n < 8:
            text = stay.course[min(len(stay.course) - 1, n * len(stay.course) // max(1, days))]
            plan = chance.choice(("Tiếp tục điều trị.", "Theo dõi tiếp, tập vận động.", "Tiếp tục thuốc, kiểm tra lại xét nghiệm."))
            life.note(visit, when, "dieu-tri", (("Diễn biến", text), ("Hướng xử trí", plan)))
    if days >= 4:
        recovering = {k: easing_value(life, k, v, day) for k, v in stay.given.items() if not isinstance(v, str)}
        codes = [c for c in stay.labs.split() if c not in ("DENNS1", "ABG", "LIPID", "COAG")]
        life.labs(visit, at(end.date() - timedelta(days=1), 6, 15), codes, **recovering)
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
