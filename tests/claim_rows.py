"""Claims written by hand for tests and measurements: no record behind them. Made-up people."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from longbien.wire.claims_xml import Claim, Row
from longbien.wire.claims_xml.tables import named

DAY = date(2026, 11, 30)
FACILITY = "01901"


def money(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def row(table: str, **values: Any) -> Row:
    """Every field of the table, empty where nothing is said."""
    return {name: str(values.get(name, "")) for name in named(table, DAY)}


def _shares(total: Decimal, basis: Decimal, benefit: int, other: Decimal = Decimal(0)) -> dict[str, str]:
    paid = (basis * benefit / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return {
        "THANH_TIEN_BV": money(total), "THANH_TIEN_BH": money(basis), "MUC_HUONG": str(benefit), "T_BHTT": money(paid),
        "T_BNCCT": money(basis - paid), "T_BNTT": money(total - basis), "T_NGUONKHAC": "0", "T_NGUONKHAC_NSNN": "0",
        "T_NGUONKHAC_VTNN": "0", "T_NGUONKHAC_VTTN": "0", "T_NGUONKHAC_CL": "0",
    }  # fmt: skip


def a_claim(
    link: str = "01901.SN26113000017", *, drugs: int = 2, services: int = 3, stay: int = 0, insured: bool = True, benefit: int = 80
) -> Claim:
    """One visit. stay: days in a bed (0: out-patient, kind 01)."""
    begin = datetime(2026, 11, 30, 8, 5) - timedelta(days=max(stay - 1, 0))
    end = datetime(2026, 11, 30, 15, 40)
    benefit = benefit if insured else 0
    at = [f"{begin + timedelta(minutes=10 * n):%Y%m%d%H%M}" for n in range(1, 4)]
    scope, covered = ("1", Decimal(100)) if insured else ("2", Decimal(0))
    two, three = [], []
    for n in range(1, drugs + 1):
        quantity, price = Decimal(10), Decimal("1250.5") + n
        total = quantity * price
        two.append(row("XML2", MA_LK=link, STT=n, MA_THUOC=f"40.{100 + n}", MA_NHOM=4,
                       TEN_THUOC=f"Paracetamol {n}", DON_VI_TINH="viên",
                       HAM_LUONG="500 mg", DUONG_DUNG="1.01", LIEU_DUNG="2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]",
                       SO_DANG_KY="VD-12345-26", TT_THAU="123/QĐ-SYT;G1;N2;2026", PHAM_VI=scope, TYLE_TT_BH=covered,
                       SO_LUONG=quantity,
                       DON_GIA=price, MA_KHOA="K02", MA_BAC_SI="0012345", NGAY_YL=at[0], NGAY_TH_YL=at[1], MA_PTTT=1, NGUON_CTRA=1,
                       **_shares(total, total * covered / 100, benefit)))  # fmt: skip
    for n in range(1, services + 1):
        price = Decimal("37500") + n
        group = {1: 13, 2: 1}.get(n, 2)
        result = (
            {} if group == 13 else {"NGAY_TH_YL": at[1], "NGAY_KQ": at[2], "NGUOI_THUC_HIEN": "0023456", "MA_MAY": "SH.1.01901"}
        )
        three.append(row("XML3", MA_LK=link, STT=n, MA_DICH_VU=f"02.{1800 + n}", MA_NHOM=group, TEN_DICH_VU=f"Dịch vụ <{n}> & đo",
                         DON_VI_TINH="lần", PHAM_VI=scope, SO_LUONG=1, DON_GIA_BV=price, DON_GIA_BH=price if insured else 0,
                         TYLE_TT_DV=100, TYLE_TT_BH=covered, MA_KHOA="K01", MA_BAC_SI="0012345", NGAY_YL=at[0], MA_PTTT=1, **result,
                         **_shares(price, price * covered / 100, benefit)))  # fmt: skip
    claim: Claim = {"XML1": [head(link, [*two, *three], begin, end, stay=stay, insured=insured)], "XML2": two, "XML3": three}
    if any(r["MA_NHOM"] == "1" for r in three):
        claim["XML4"] = [row("XML4", MA_LK=link, STT=1, MA_DICH_VU=three[1]["MA_DICH_VU"], MA_CHI_SO="GLU", TEN_CHI_SO="Glucose",
                             GIA_TRI="5.6", DON_VI_DO="mmol/L", NGAY_KQ=at[2], MA_BS_DOC_KQ="0023456")]  # fmt: skip
    if stay:
        claim["XML5"] = [row("XML5", MA_LK=link, STT=n, DIEN_BIEN_LS="Tỉnh, đỡ ho, phổi bớt ran." * 6, THOI_DIEM_DBLS=at[2],
                             NGUOI_THUC_HIEN="0012345") for n in range(1, stay + 1)]  # fmt: skip
        claim["XML7"] = [row("XML7", MA_LK=link, SO_LUU_TRU="LT1", MA_YTE="Y1", MA_KHOA_RV="K02", NGAY_VAO=f"{begin:%Y%m%d%H%M}",
                             NGAY_RA=f"{end:%Y%m%d%H%M}", CHAN_DOAN_RV="Viêm phổi", PP_DIEUTRI="Nội khoa", MA_TTDV="0101010101",
                             MA_BS="0012345", TEN_BS="Lê Minh", NGAY_CT="20261130")]  # fmt: skip
        claim["XML8"] = [row("XML8", MA_LK=link, MA_LOAI_KCB="03", NGAY_VAO=f"{begin:%Y%m%d%H%M}", NGAY_RA=f"{end:%Y%m%d%H%M}",
                             CHAN_DOAN_VAO="Viêm phổi", CHAN_DOAN_RV="Viêm phổi", QT_BENHLY="Ho, sốt ba ngày",
                             TOMTAT_KQ="Bạch cầu 14",
                             PP_DIEUTRI="Kháng sinh", KET_QUA_DTRI=1, MA_TTDV="0101010101", NGAY_CT="20261130")]  # fmt: skip
    return claim


def head(link: str, lines: list[Row], begin: datetime, end: datetime, *, stay: int, insured: bool) -> Row:
    def total(name: str, only: str = "") -> str:
        return money(sum((Decimal(r[name]) for r in lines if not only or only in r), Decimal(0)))

    card = (
        {"MA_THE_BHYT": "DN4010123456789", "MA_DKBD": FACILITY, "GT_THE_TU": "20260101", "GT_THE_DEN": "20261231"}
        if insured
        else {}
    )
    admitted = {"NGAY_VAO_NOI_TRU": f"{begin:%Y%m%d%H%M}", "LY_DO_VNT": "Viêm phổi"} if stay else {}
    return row("XML1", MA_LK=link, STT=1, MA_BN="BN001", HO_TEN="Trần Thị Lụa", SO_CCCD="001158000017",
                         NGAY_SINH="195803020000",
               GIOI_TINH=2,
               MA_QUOCTICH="000", MA_DANTOC="01", MA_NGHE_NGHIEP="00", DIA_CHI="Phường Bồ Đề, Hà Nội", MATINH_CU_TRU="01",
               MAXA_CU_TRU="00118", LY_DO_VV="Ho, sốt", CHAN_DOAN_VAO="Viêm phổi", CHAN_DOAN_RV="Viêm phổi", MA_BENH_CHINH="J18.9",
               MA_BENH_KT="I10;E11.9", MA_DOITUONG_KCB="1.1" if insured else "9", NGAY_VAO=f"{begin:%Y%m%d%H%M}",
               NGAY_RA=f"{end:%Y%m%d%H%M}", SO_NGAY_DTRI=stay, KET_QUA_DTRI=1, MA_LOAI_RV=1, NGAY_TTOAN=f"{end:%Y%m%d%H%M}",
               T_THUOC=total("THANH_TIEN_BV", "MA_THUOC"), T_VTYT="0", T_TONGCHI_BV=total("THANH_TIEN_BV"),
               T_TONGCHI_BH=total("THANH_TIEN_BH"), T_BNTT=total("T_BNTT"), T_BNCCT=total("T_BNCCT"), T_BHTT=total("T_BHTT"),
               T_NGUONKHAC="0", T_BHTT_GDV=total("T_BHTT"), NAM_QT=2026, THANG_QT=11, MA_LOAI_KCB="03" if stay else "01",
               MA_KHOA="K01",
               MA_CSKCB=FACILITY, CAN_NANG="52.5", MA_HSBA="HS001", MA_TTDV="0101010101", **card, **admitted)  # fmt: skip


def a_check_in(link: str = "01901.SN26113000017") -> Claim:
    return {"XML0": [row("XML0", MA_LK=link, STT=1, MA_BN="BN001", HO_TEN="Trần Thị Lụa", SO_CCCD="001158000017",
                         NGAY_SINH="195803020000",
                         GIOI_TINH=2, MA_THE_BHYT="DN4010123456789", MA_DKBD=FACILITY, GT_THE_TU="20260101", GT_THE_DEN="20261231",
                         MA_DOITUONG_KCB="1.1", NGAY_VAO="202611300805", MA_LOAI_KCB="01", MA_CSKCB=FACILITY, MA_DICH_VU="02.1801",
                         TEN_DICH_VU="Khám nội", NGAY_YL="202611300810")]}  # fmt: skip
