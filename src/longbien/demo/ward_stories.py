"""The written stories of the cardiology ward: who lies where, with what, what came this morning. Names and lives are invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from longbien.demo.illnesses import M1, X2


@dataclass(frozen=True, slots=True)
class Patient:
    """One of the ward's people.

    `lasting`: illnesses of illnesses.py with their years; `first`: results on arrival; `today`: results of 06:10; `pending`:
    (order, due in so many hours); `leaves_in`: days.
    """

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
    choice: int = 0  # which of the usual ways of treatment the home drugs follow (illnesses.py: variants)


FALL = ("fall-risk", "Nguy cơ ngã cao")
DROPLET = ("isolation-droplet", "Cách ly giọt bắn")
FUROSEMIDE = ("furo20t", "Tiêm tĩnh mạch 2 ống/lần, ngày 2 lần")

WARD: tuple[Patient, ...] = (
    Patient(
        12,
        "Nguyễn Văn Thưởng",
        "M",
        71,
        "I50.0",
        "Suy tim mất bù",
        "Khó thở tăng dần, phù chân",
        8,
        (("I10", 12.0), ("E11.9", 9.0), ("E78.5", 8.0), ("I48", 3.5), ("I50.9", 4.2)),
        leaves_in=3,
        flags=(("fall-risk", "Nguy cơ ngã cao, Morse 55"),),
    ),
    Patient(
        7,
        "Trịnh Công Tuệ",
        "M",
        58,
        "I21.4",
        "Nhồi máu cơ tim sau can thiệp",
        "Đau ngực trái 3 giờ",
        2,
        (("I10", 6.0), ("E78.5", 3.0)),
        {"TNT": 640.0, "CKMB": 71.0},
        {"TNT": 1840.0, "CKMB": 118.0, "CREA": 96.0},
        (
            ("asp81", M1),
            ("tica90", X2),
            ("atorva20", "Uống 2 viên/ngày, buổi tối"),
            ("enoxa60", "Tiêm dưới da 1 ống/lần, ngày 2 lần"),
        ),
        (("TNT", 4.0),),
        course=("Hết đau ngực sau can thiệp, mạch còn nhanh.",),
        vitals={"HR": 118, "SBP": 104, "DBP": 66},
        flags=(("monitor", "Theo dõi monitor liên tục"),),
        image=("XA01", "Tắc hoàn toàn đoạn I động mạch liên thất trước, đã đặt một stent, TIMI 3."),
    ),
    Patient(
        3,
        "Lê Thị Hồng Đào",
        "F",
        66,
        "I05.0",
        "Hẹp van hai lá do thấp",
        "Khó thở khi gắng sức, hồi hộp",
        4,
        (("I48", 5.0),),
        {"INR": 2.1},
        {"INR": 3.4, "HGB": 121.0},
        (("aceno", "Uống 1/4 viên/ngày, 20 giờ, chỉnh theo INR"), ("metop50", M1), ("furo40", M1)),
        leaves_in=2,
        course=("Hồi hộp giảm, không chảy máu chân răng.", "Nhịp thất 84, không phù."),
        image=("US12", "Hẹp van hai lá khít vừa, diện tích lỗ van 1,3 cm², nhĩ trái 52 mm."),
        choice=2,
    ),
    Patient(
        5,
        "Phạm Quang Hoà",
        "M",
        49,
        "I10",
        "Tăng huyết áp cấp cứu",
        "Đau đầu dữ dội, HA 220/120",
        3,
        (("I10", 2.0),),
        {"CREA": 112.0},
        {"CREA": 98.0, "K": 4.1},
        (("amlo5", "Uống 2 viên/ngày, buổi sáng"), ("telmi40", M1)),
        leaves_in=0,
        course=("Hết đau đầu, HA 150/90.", "HA ổn định 138/84."),
        vitals={"SBP": 138, "DBP": 84},
    ),
    Patient(
        9,
        "Đỗ Thị Ngần",
        "F",
        81,
        "I50.9",
        "Suy tim, thiếu máu",
        "Mệt, khó thở khi đi lại",
        6,
        (("I10", 15.0), ("I50.9", 3.0)),
        {"HGB": 89.0, "BNPNT": 4210.0},
        {"HGB": 84.0, "FERR": 12.0, "MCV": 73.0},
        (("furo40", M1), ("fesuc", "Truyền tĩnh mạch 100 mg, cách ngày")),
        (("ES01", 5.7),),
        course=("Đỡ khó thở, còn mệt.", "Phân vàng, không nôn máu. Nhịn ăn chờ nội soi."),
        flags=(FALL,),
        extra=(("D50.9", "Thiếu máu thiếu sắt"),),
    ),
    Patient(
        11,
        "Vũ Đình Khoa",
        "M",
        63,
        "I25.9",
        "Bệnh mạch vành ổn định",
        "Đau ngực khi gắng sức",
        2,
        (("I25.9", 4.0), ("E78.5", 5.0)),
        {"TNT": 9.0},
        {"LDL": 1.7, "TNT": 8.0},
        (("clopi75", M1), ("atorva20", "Uống 1 viên/ngày, buổi tối"), ("bisop25", M1)),
        leaves_in=0,
    ),
    Patient(
        14,
        "Hoàng Thị Bích Thuỷ",
        "F",
        73,
        "J18.9",
        "Viêm phổi",
        "Sốt, ho đờm, khó thở",
        5,
        (("I50.9", 2.5), ("I10", 9.0)),
        {"CRP": 118.0, "WBC": 15.9},
        {"CRP": 36.0, "WBC": 9.4},
        (("levo750p", "Truyền tĩnh mạch 1 chai/ngày"), ("ambro30", "Uống 1 viên/lần, ngày 3 lần")),
        leaves_in=4,
        flags=(DROPLET,),
        image=("XR01", "Đám mờ đáy phổi phải giảm so với phim trước."),
        course=("Còn ho đờm, hết sốt.", "SpO₂ 96% khí trời."),
        note_last_night="Ho ít, ngủ được, không sốt.",
    ),
    Patient(
        1,
        "Bùi Xuân Nghĩa",
        "M",
        77,
        "I50.9",
        "Suy tim, BPTNMT",
        "Khó thở, ho khạc đờm",
        9,
        (("I50.9", 5.0), ("J44.9", 9.0)),
        {"BNPNT": 5120.0},
        {"BNPNT": 1890.0, "K": 3.6},
        (FUROSEMIDE, ("combi", "Khí dung 1 ống/lần, ngày 4 lần")),
        leaves_in=1,
        course=("Còn thở oxy 2 L/phút.", "Đỡ khó thở, ran ít."),
        vitals={"SPO2": 93, "O2FLOW": 2},
    ),
    Patient(
        2,
        "Ngô Thị Sáu",
        "F",
        69,
        "I48",
        "Rung nhĩ mới phát hiện",
        "Hồi hộp đánh trống ngực",
        1,
        (("I10", 7.0),),
        {"TSH": 1.8, "K": 3.9, "TNT": 11.0},
        {},
        (("apix5", X2), ("bisop25", M1)),
        (("US12", 2.2),),
        vitals={"HR": 112},
    ),
    Patient(
        4,
        "Đặng Hữu Phước",
        "M",
        55,
        "I21.4",
        "Nhồi máu cơ tim không ST chênh",
        "Đau ngực lúc nghỉ",
        3,
        (("E11.9", 4.0), ("E78.5", 4.0)),
        {"TNT": 388.0},
        {"TNT": 142.0, "GLU": 8.9},
        (("asp81", M1), ("tica90", X2), ("atorva20", "Uống 2 viên/ngày, buổi tối")),
        leaves_in=2,
        flags=(("monitor", "Theo dõi monitor liên tục"),),
    ),
    Patient(
        6,
        "Lý Thị Mai Hương",
        "F",
        44,
        "I40.9",
        "Viêm cơ tim cấp",
        "Mệt, đau ngực sau sốt",
        5,
        (),
        {"TNT": 910.0, "CRP": 44.0},
        {"TNT": 205.0, "CRP": 11.0},
        (("bisop25", M1), ("ibu400", "Ngừng dùng theo y lệnh khi hết đau ngực")),
        (("MR05", 30.0), ("TNT", 4.0)),
        course=("Đỡ mệt, không đau ngực.", "Monitor không rối loạn nhịp."),
    ),
    Patient(
        8,
        "Tạ Văn Quyết",
        "M",
        60,
        "I10",
        "Tăng huyết áp, ĐTĐ típ 2",
        "Chóng mặt, HA cao",
        2,
        (("I10", 8.0), ("E11.9", 6.0)),
        {"GLU": 14.8},
        {"GLU": 9.6, "CREA": 88.0},
        (("amlo5", M1), ("losar50", M1), ("insMix", "Tiêm dưới da 12 đơn vị sáng, 8 đơn vị chiều")),
        leaves_in=1,
    ),
    Patient(
        10,
        "Nguyễn Thị Yến",
        "F",
        70,
        "I50.9",
        "Suy tim, bệnh thận mạn 3b",
        "Phù, khó thở",
        7,
        (("I50.9", 3.0), ("I10", 11.0), ("N18.9", 5.0)),
        {"BNPNT": 6930.0, "CREA": 158.0},
        {"BNPNT": 2480.0, "CREA": 139.0, "K": 4.8},
        (FUROSEMIDE, ("bisop25", M1)),
        leaves_in=3,
    ),
    Patient(
        13,
        "Cao Minh Đức",
        "M",
        52,
        "I71.0",
        "Bóc tách động mạch chủ Stanford B",
        "Đau ngực lan ra sau lưng",
        11,
        (("I10", 5.0),),
        {"DDIM": 7.8, "CREA": 121.0},
        {"CREA": 104.0, "HGB": 118.0},
        (("metop50", "Uống 2 viên/ngày, buổi sáng"), ("amlo5", "Uống 2 viên/ngày, buổi sáng"), ("telmi40", M1)),
        (("CT14", 6.7),),
        vitals={"SBP": 116, "DBP": 70},
    ),
    Patient(
        15,
        "Phùng Thị Nhàn",
        "F",
        75,
        "I35.0",
        "Hẹp van động mạch chủ",
        "Ngất khi gắng sức",
        3,
        (("I10", 10.0),),
        {"BNPNT": 2240.0},
        {"BNPNT": 1960.0},
        (("furo40", M1),),
        doctor="bs.tuan",
        flags=(FALL,),
        image=("US12", "Hẹp van động mạch chủ khít, diện tích 0,8 cm², EF 55%."),
    ),
    Patient(
        16,
        "Khuất Thị Xuân",
        "F",
        62,
        "I20.9",
        "Cơn đau thắt ngực",
        "Đau ngực khi leo cầu thang",
        2,
        (("I10", 6.0), ("E78.5", 4.0)),
        {"TNT": 10.0},
        {"TNT": 9.0},
        (("asp81", M1), ("bisop25", M1)),
        leaves_in=0,
        doctor="bs.tuan",
    ),
)
ARRIVAL: dict[str, dict[str, float]] = {
    "I50.0": {"SBP": 154, "DBP": 92, "HR": 114, "RR": 28, "SPO2": 89},
    "I50.9": {"HR": 104, "RR": 26, "SPO2": 91},
    "I10": {"SBP": 218, "DBP": 118},
    "I48": {"HR": 138},
    "I71.0": {"SBP": 196, "DBP": 104, "HR": 98},
    "J18.9": {"HR": 106, "RR": 27, "SPO2": 90, "TEMP": 38.7},
    "I40.9": {"HR": 110, "TEMP": 37.8},
}

# --- the first bed: day by day (day 1 is the admission)

FIRST_LABS: tuple[tuple[int, dict[str, float]], ...] = (
    (
        1,
        {
            "CREA": 168,
            "UREA": 13.1,
            "K": 4.3,
            "NA": 133,
            "CL": 97,
            "BNPNT": 8420,
            "CRP": 9,
            "HGB": 115,
            "WBC": 8.1,
            "NEUP": 71,
            "TNT": 34,
            "GLU": 9.8,
        },
    ),
    (2, {"CREA": 182, "UREA": 14.0, "K": 3.6, "NA": 134, "CL": 98}),
    (4, {"CREA": 171, "UREA": 13.2, "K": 4.2, "NA": 136, "CL": 99, "HGB": 116, "WBC": 7.6, "NEUP": 69, "CRP": 8}),
    (6, {"CREA": 158, "UREA": 11.9, "K": 5.1, "NA": 137, "CL": 101, "CRP": 12}),
    (7, {"CREA": 151, "UREA": 11.2, "K": 5.8, "NA": 137, "CL": 101, "BNPNT": 2140, "HGB": 118, "WBC": 9.2, "NEUP": 75}),
    (8, {"CREA": 142, "UREA": 10.8, "K": 6.2, "NA": 136, "CL": 101, "CRP": 48, "HGB": 118, "WBC": 13.4, "NEUP": 84}),
)
# day: weight kg, SBP, DBP, HR, temperature, SpO2
FIRST_SIGNS = (
    (65.7, 148, 88, 112, 36.8, 90),
    (65.1, 136, 82, 104, 36.7, 92),
    (64.2, 128, 76, 98, 36.6, 94),
    (63.5, 124, 74, 92, 36.7, 95),
    (62.9, 120, 72, 88, 36.6, 96),
    (62.3, 118, 70, 86, 36.7, 96),
    (61.9, 116, 70, 92, 37.4, 95),
    (61.5, 112, 66, 96, 37.9, 94),
)
FIRST_COURSE = {
    2: ("Đái 2.900 ml, bớt khó thở, còn phù mu chân.", "Tiếp tục furosemid tĩnh mạch, thêm kali clorid và spironolacton."),
    3: ("Nằm đầu 30 độ, ran ẩm hai đáy giảm.", "Creatinin tăng, ngừng losartan. Thêm bisoprolol liều thấp."),
    4: ("Đỡ phù, ăn được cháo, đi lại trong phòng.", "Thêm empagliflozin. Theo dõi kali."),
    5: ("Nằm đầu thấp được. Cân giảm 2,8 kg.", "Chuyển furosemid 40 mg uống."),
    6: ("Ổn định, hết ran. Ngủ tốt.", "Tiếp tục. Kiểm tra điện giải ngày mai."),
    7: ("Kali 5,8. Chiều ho, gai lạnh, 37,8 độ.", "Ngừng kali clorid. Cấy máu. Giảm furosemid còn 20 mg từ tối."),
}
