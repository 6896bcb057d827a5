"""Lasting illnesses: who looks after them, which tests, which drugs in which order. Usual practice, simplified; not advice."""

from __future__ import annotations

from dataclasses import dataclass

Drug = tuple[str, str, str, int]  # line, drug code, how to take, strength


@dataclass(frozen=True, slots=True)
class Illness:
    """`known`: share of those who have it that a hospital knows. `rungs`: each adds to or replaces lines of those before.

    `target`: which measure climbs the ladder ('SBP', 'HBA1C') and its limit.
    """

    text: str
    known: float
    dept: str
    labs: str = ""
    yearly: str = ""
    rungs: tuple[tuple[Drug, ...], ...] = ()
    target: tuple[str, float] | None = None
    every: int = 75
    oldest_onset: int = 14
    variants: tuple[tuple[tuple[Drug, ...], ...], ...] = ()


M1 = "Uống 1 viên/ngày, buổi sáng"
T1 = "Uống 1 viên/ngày, buổi tối"
X2 = "Uống 1 viên/lần, ngày 2 lần"
AFTER = "Uống 1 viên/lần, ngày 2 lần, sau ăn"


def _pressure(ras: str) -> tuple[tuple[Drug, ...], ...]:
    return (
        (("ccb", "amlo5", M1, 1),),
        (("ras", ras, M1, 1),),
        (("ccb", "amlo5", "Uống 2 viên/ngày, buổi sáng", 2),),
        (("diu", "indap15", M1, 1),),
    )


def _sugar(second: Drug) -> tuple[tuple[Drug, ...], ...]:
    return (
        (("met", "metf500", AFTER, 1),),
        (("met", "metf1000", AFTER, 2),),
        (second,),
        (("su", "glicl30", "Uống 2 viên/ngày, trước ăn sáng", 2),),
        (("ins", "insMix", "Tiêm dưới da 14 đơn vị trước ăn sáng, 10 đơn vị trước ăn chiều", 1),),
    )


STATIN: Drug = ("statin", "atorva20", T1, 1)
ILLNESSES: dict[str, Illness] = {
    "I10": Illness(
        "Tăng huyết áp",
        0.62,
        "TM",
        "LYTES CREA",
        "LIPID GLU UREA",
        target=("SBP", 142),
        variants=(_pressure("losar50"), _pressure("telmi40"), _pressure("perin5")),
    ),
    "E11.9": Illness(
        "Đái tháo đường típ 2",
        0.72,
        "NTIET",
        "GLU HBA1C CREA",
        "LIPID UACR ALT AST",
        every=60,
        target=("HBA1C", 7.3),
        variants=(
            _sugar(("su", "glicl30", "Uống 1 viên/ngày, trước ăn sáng", 1)),
            _sugar(("sglt2", "empa10", M1, 1)),
            _sugar(("dpp4", "sita100", M1, 1)),
        ),
    ),
    "E78.5": Illness(
        "Rối loạn lipid máu",
        0.38,
        "NOI",
        "",
        "LIPID ALT AST",
        variants=((((STATIN),),), ((("statin", "rosuva10", T1, 1),),)),
        every=110,
    ),
    "I25.9": Illness(
        "Bệnh tim thiếu máu cục bộ mạn",
        0.75,
        "TM",
        "CREA",
        "LIPID BNPNT",
        ((("anti", "asp81", "Uống 1 viên/ngày, sau ăn trưa", 1), STATIN, ("bb", "bisop25", M1, 1)),),
        every=60,
        oldest_onset=9,
    ),
    "I50.9": Illness(
        "Suy tim",
        0.85,
        "TM",
        "LYTES CREA BNPNT",
        "CBC",
        every=45,
        oldest_onset=6,
        rungs=(
            (("loop", "furo40", M1, 1), ("ras", "losar50", M1, 1)),
            (("bb", "bisop25", M1, 1), ("mra", "spiro25", M1, 1)),
            (("sglt2", "empa10", M1, 1),),
        ),
    ),
    "I48": Illness(
        "Rung nhĩ",
        0.85,
        "TM",
        "CREA",
        "CBC",
        every=60,
        oldest_onset=7,
        variants=(
            ((("oac", "apix5", X2, 1), ("bb", "bisop25", M1, 1)),),
            ((("oac", "rivaro20", "Uống 1 viên/ngày, trong bữa tối", 1), ("bb", "bisop25", M1, 1)),),
            ((("vka", "aceno", "Uống 1/4 viên/ngày, 20 giờ, chỉnh theo INR", 1), ("bb", "metop50", M1, 1)),),
        ),
    ),
    "I69.3": Illness(
        "Di chứng nhồi máu não",
        0.85,
        "TK",
        "",
        "LIPID GLU",
        ((("anti", "clopi75", M1, 1), STATIN),),
        every=75,
        oldest_onset=7,
    ),
    "J44.9": Illness(
        "Bệnh phổi tắc nghẽn mạn tính",
        0.5,
        "HH",
        "",
        "CBC",
        every=60,
        oldest_onset=9,
        rungs=(
            (("saba", "salbu100", "Xịt 2 nhát khi khó thở", 1), ("lama", "tiotro", "Hít 2 nhát/ngày, buổi sáng", 1)),
            (("laba", "budfor", "Hít 2 nhát/lần, ngày 2 lần, súc miệng sau hít", 1),),
        ),
    ),
    "J45.9": Illness(
        "Hen phế quản",
        0.45,
        "HH",
        "",
        "CBC",
        every=85,
        oldest_onset=8,
        rungs=(
            (
                ("ics", "salflu", "Xịt 2 nhát/lần, ngày 2 lần, súc miệng sau xịt", 1),
                ("saba", "salbu100", "Xịt 2 nhát khi khó thở", 1),
            ),
        ),
    ),
    "N18.9": Illness("Bệnh thận mạn", 0.35, "THAN", "CREA UREA LYTES", "CBC UACR", every=75, oldest_onset=7),
    "N40": Illness("Phì đại lành tính tuyến tiền liệt", 0.35, "NGOAI", "", "PSA CREA", ((("alpha", "tamsu04", T1, 1),),), every=90),
    "M10.9": Illness(
        "Gout",
        0.6,
        "CXK",
        "URIC CREA",
        "ALT",
        every=80,
        rungs=((("urate", "allo300", "Uống 1 viên/ngày, sau ăn", 1),), (("urate", "febux40", M1, 1),)),
    ),
    "M81.9": Illness(
        "Loãng xương",
        0.25,
        "CXK",
        "",
        "CA VITD",
        every=110,
        rungs=((("cald", "calD", AFTER, 1), ("bis", "alend70", "Uống 1 viên/tuần, sáng thứ Hai lúc đói, không nằm 30 phút", 1)),),
    ),
    "E03.9": Illness(
        "Suy giáp", 0.8, "NTIET", "TSH FT4", "", ((("thyroxine", "levoT100", "Uống 1/2 viên/ngày, lúc đói", 1),),), every=90
    ),
    "E05.0": Illness(
        "Bệnh Basedow",
        0.9,
        "NTIET",
        "TSH FT4",
        "CBC ALT",
        every=45,
        oldest_onset=3,
        rungs=(
            (("antithyroid", "thiam10", "Uống 4 viên/ngày, chia 2 lần", 1), ("bb", "propra40", "Uống 1/2 viên/lần, ngày 2 lần", 1)),
            (("antithyroid", "thiam10", "Uống 2 viên/ngày", 1),),
        ),
    ),
    "B18.1": Illness(
        "Viêm gan B mạn",
        0.4,
        "TH",
        "ALT AST",
        "HBVDNA AFP CBC",
        every=100,
        oldest_onset=10,
        rungs=((("hbv", "teno300", M1, 1),), (("hbv", "taf25", M1, 1),)),
    ),
    "F32.9": Illness("Trầm cảm", 0.25, "NOI", "", "", ((("ssri", "sertra50", M1, 1),),), every=60, oldest_onset=3),
    "G40.9": Illness("Động kinh", 0.7, "TK", "", "CBC ALT", ((("aed", "leve500", X2, 1),),), every=75, oldest_onset=12),
    "F03": Illness("Sa sút trí tuệ", 0.5, "TK", "", "", ((("ach", "donep5", T1, 1),),), every=80, oldest_onset=5),
    "M06.9": Illness(
        "Viêm khớp dạng thấp",
        0.85,
        "CXK",
        "CRP CBC ALT",
        "RF",
        every=60,
        rungs=(
            (
                ("mtx", "mtx25", "Uống 4 viên MỖI TUẦN MỘT LẦN, tối thứ Bảy", 1),
                ("folic", "folic5", "Uống 1 viên/tuần, tối Chủ nhật", 1),
            ),
        ),
    ),
}
HEART = ("I10", "I25.9", "I50.9", "I48", "I50.0", "I05.0", "I21.4", "I42.0", "I35.0", "I20.9", "I25.1")
