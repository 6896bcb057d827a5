"""A visit's record as HoSoBenhAn, JSON and XML: the eleven groups of the guide CV 365/TTYQG-GPQLCL (2025). Pure.

The fields and their order are data (tables/hosobenhan.csv). Of two groups (GiayChuyenVien, HoSoCapCuu) the guide's own fields are
not known here; what they carry (tables/hosobenhan_more.csv) bears the names of decision 3176's table 13 and of the guide's other
groups: nothing is lost, no name is invented. What the record does not hold is an empty text, never left out. The format has no
place for signatures: the signed PDF goes beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from longbien.base import clock
from longbien.base.words import parse_instant, words
from longbien.fhir import systems as s

from . import papers
from .papers import TABLES, identifier, name_of
from .reading import reference_id
from .visits import Visit

ROOT = "HoSoBenhAn"
GROUPS = (
    "ThongTinBenhNhan", "ThongTinVaoVien", "ThongTinDieuTri", "YLenhThuocVatTu", "PhieuChiDinh", "KetQuaChanDoanHinhAnh",
    "KetQuaXetNghiem", "GiayChuyenVien", "HoSoCapCuu", "PhieuThuThuat", "PhieuPhauThuat",
)  # fmt: skip
MANY = frozenset(("KetQuaChanDoanHinhAnh", "KetQuaXetNghiem", "GiayChuyenVien", "PhieuThuThuat", "PhieuPhauThuat"))
"""Groups of which a visit may have several."""
Given = Mapping[str, Any]


@cache
def fields(group: str) -> tuple[tuple[str, str], ...]:
    """(path, kind) of a group's fields in the guide's order; kind: text, list, object."""
    out: list[tuple[str, str]] = []
    for name in ("hosobenhan.csv", "hosobenhan_more.csv"):
        with (TABLES / name).open(encoding="utf-8", newline="") as f:
            out += [(r["field"], r["kind"]) for r in csv.DictReader(f) if r["group"] == group]
    return tuple(out)


def shaped(group: str, given: Given, prefix: str = "") -> dict[str, Any]:
    """What is given, in the guide's fields and order; what is not given is empty. What the guide does not name is an error."""
    out: dict[str, Any] = {}
    depth = prefix.count(".")
    for path, kind in fields(group):
        if not path.startswith(prefix) or path.count(".") != depth:
            continue
        name, value = path[len(prefix) :], given.get(path[len(prefix) :])
        if kind == "text":
            out[name] = "" if value is None else str(value)
        elif kind == "object":
            out[name] = shaped(group, value or {}, f"{path}.")
        else:
            inner = any(p.startswith(f"{path}.") for p, _ in fields(group))
            out[name] = [shaped(group, x, f"{path}.") if inner else str(x) for x in value or ()]
    unknown = given.keys() - out.keys()
    if unknown:
        raise ValueError(f"{group}: {sorted(unknown)} stand nowhere in the guide")
    return out


# ---- values ---------------------------------------------------------------------------------------------------------


def day(text: Any) -> str:
    """dd/mm/yyyy."""
    return papers.day(str(text)) if text else ""


def at(text: Any) -> str:
    """dd/mm/yyyy HH:MM:SS.mmm, in the time of Hanoi."""
    if not text:
        return ""
    if len(str(text)) <= 10:
        return day(text)
    t = clock.local(parse_instant(str(text)))
    return f"{t:%d/%m/%Y %H:%M:%S}.{t.microsecond // 1000:03d}"


def _text(concept: Any) -> str:
    if isinstance(concept, list):
        concept = concept[0] if concept else {}
    concept = concept or {}
    return str(concept.get("text") or next((c.get("display") for c in concept.get("coding") or () if c.get("display")), "") or "")


def _code(concept: Any, *systems: str) -> str:
    found = ((concept or {}).get("coding") or ()) if isinstance(concept, Mapping) else ()
    return next((str(c.get("code") or "") for c in found if not systems or c.get("system") in systems), "")


def _who(reference: Any) -> tuple[str, str]:
    """(name, code) of somebody."""
    return str((reference or {}).get("display") or ""), reference_id(reference)


def _doctor(visit: Visit) -> tuple[str, str]:
    found = next((p.get("individual") for p in visit.encounter.get("participant") or () if p.get("individual")), None)
    return _who(found)


def _icd(condition: Given) -> tuple[str, str]:
    return _code(condition.get("code"), s.ICD10_VN, s.ICD10), _text(condition.get("code"))


def _diagnoses(visit: Visit) -> list[tuple[str, str]]:
    """(ICD-10, name), the main one first."""
    by_id = {c["id"]: c for c in visit.of["Condition"]}
    named = sorted(visit.encounter.get("diagnosis") or (), key=lambda d: d.get("rank") or 99)
    out = []
    for d in named:
        c = by_id.get(reference_id(d.get("condition")))
        out.append(_icd(c) if c else ("", str((d.get("condition") or {}).get("display") or "")))
    return out or [_icd(c) for c in visit.of["Condition"]]


def _number(visit: Visit) -> str:
    return identifier(visit.encounter, s.ENCOUNTER_NUMBER) or visit.id


def _place(visit: Visit) -> tuple[str, str]:
    """(room, bed)."""
    found: Given = next((x["location"] for x in reversed(visit.encounter.get("location") or ()) if x.get("location")), {})
    room, _, bed = str(found.get("display") or "").partition(" · ")
    return room, bed


def _department(visit: Visit) -> tuple[str, str]:
    return _text(visit.encounter.get("serviceType")), _code(visit.encounter.get("serviceType"))


def _vital(visit: Visit, code: str, *, last: bool = False) -> str:
    found = [o for o in visit.of["Observation"] if any(c.get("code") == code for c in (o.get("code") or {}).get("coding") or ())]
    if not found:
        return ""
    q = found[-1 if last else 0].get("valueQuantity") or {}
    return str(q.get("value", ""))


def _pressure(o: Given, code: str) -> str:
    for c in o.get("component") or ():
        if _code(c.get("code")) == code or any(x.get("code") == code for x in (c.get("code") or {}).get("coding") or ()):
            return str((c.get("valueQuantity") or {}).get("value", ""))
    return ""


def _told(visit: Visit, *titles: str) -> str:
    """What the visit's notes say under one of these titles; the first that says anything."""
    wanted = {papers.slug(t) for t in titles}
    for note in visit.of["Composition"]:
        for part in papers.sections(note):
            if part.keys & wanted and part.lines:
                return " ".join(part.lines)
    return ""


# ---- groups ---------------------------------------------------------------------------------------------------------


def _patient(v: Visit) -> Given:
    p = v.patient
    address: Given = next(iter(v.patient.get("address") or ()), {})
    ethnic = next((x.get("valueCoding") or {} for x in p.get("extension") or () if x.get("url") == s.EXT_ETHNICITY), {})
    born, start = str(p.get("birthDate") or ""), (v.encounter.get("period") or {}).get("start")
    department, code = _department(v)
    room, bed = _place(v)
    covered = v.coverage.get("period") or {}
    phone = next((t.get("value") for t in p.get("telecom") or () if t.get("system") == "phone"), "")
    kin = v.relative
    history = [
        {"thongtin_ma": "01", "thongtin_noidung": "Dị ứng", "thongtin_giatri": _text(a.get("code")),
         "thongtin_ghichu": ", ".join(_text(m) for r in a.get("reaction") or () for m in r.get("manifestation") or ())}
        for a in v.allergies
    ]  # fmt: skip
    return {
        "loaiba": "01", "sovaovien": _number(v), "soba": _number(v), "soluutru": _number(v), "makhoa": code, "tenkhoa": department,
        "thoigianvaovien": at(start), "mabenhnhan": identifier(p, s.PATIENT_NUMBER), "buong": room, "giuong": bed,
        "cccd_so": identifier(p, s.CITIZEN_ID), "hoten": name_of(p), "ngaysinh": day(born),
        "tuoi": words("vi").age(born, clock.local(parse_instant(str(start))).date()) if born and start else "",
        "gioitinh": {"male": "Nam", "female": "Nữ"}.get(str(p.get("gender")), "Khác"), "dantoc": ethnic.get("display"),
        "dantoc_ma": ethnic.get("code"), "tungaybhyt": day(covered.get("start")), "denngaybhyt": day(covered.get("end")),
        "mabhyt": v.coverage.get("subscriberId") or identifier(p, s.INSURANCE_NUMBER), "noidangkykcbbd": v.coverage.get("network"),
        "diachi": address.get("text"), "sonha": ", ".join(address.get("line") or ()), "xaphuong": address.get("district"),
        "tinhthanh": address.get("city"), "sodienthoai": phone, "doituongbn_loai": "BHYT" if v.coverage else "Thu phí",
        "hotennguoithan": name_of(kin) if kin.get("name") else "",
        "sodienthoainguoithan": next((t.get("value") for t in kin.get("telecom") or () if t.get("system") == "phone"), ""),
        "lydotiepnhan": _text(v.encounter.get("reasonCode")), "tiensubenhtatcuabanthan": history,
        "noigioithieu_loai": ((v.encounter.get("hospitalization") or {}).get("admitSource") or {}).get("text"),
    }  # fmt: skip


def _coming_in(v: Visit) -> Given:
    doctor, code = _doctor(v)
    pressure = next((o for o in v.of["Observation"] if o.get("component")), {})
    main = (_diagnoses(v) or [("", "")])[0]
    return {
        "sovaovien": _number(v), "bacsikhambenh": doctor, "mabacsikhambenh": code, "chandoanvaovien": main[1],
        "khambenh_chandoanvaovienmaicd": main[0], "chieucao": _vital(v, "8302-2"), "dieutritaikhoa": _department(v)[0],
        "madieutritaikhoa": _department(v)[1], "chuky_hoten": doctor, "lydovaovien": _text(v.encounter.get("reasonCode")),
        "denkhambenhluc": at((v.encounter.get("period") or {}).get("start")), "quatrinhbenhly": _told(v, "Bệnh sử", "Diễn biến"),
        "mach": _vital(v, "8867-4"), "nhietdo": _vital(v, "8310-5"), "nhiptho": _vital(v, "9279-1"),
        "huyetap_tamthu": _pressure(pressure, "8480-6"), "huyetap_tamtruong": _pressure(pressure, "8462-4"),
        "cannang": _vital(v, "29463-7"), "khambenh_toanthan": _told(v, "Khám"),
    }  # fmt: skip


def _care(v: Visit) -> Given:
    doctor, doctor_code = _doctor(v)
    department, code = _department(v)
    _, bed = _place(v)
    found = _diagnoses(v)
    main, rest = (found or [("", "")])[0], found[1:]
    period = v.encounter.get("period") or {}
    days = papers.FIELDS["days"](papers.Sources({}, encounter=v.encounter))
    leaving = (v.encounter.get("hospitalization") or {}).get("dischargeDisposition") or {}
    signs = [
        {"huyetap_cao": _pressure(o, "8480-6"), "huyetap_thap": _pressure(o, "8462-4"), "thoidiem": at(o.get("effectiveDateTime"))}
        for o in v.of["Observation"] if o.get("component")
    ]  # fmt: skip
    return {
        "bacsidieutri": doctor, "bacsidieutri_ma": doctor_code, "khoadieutri": department, "khoadieutri_ma": code, "giuong": bed,
        "khoavaovien": department, "khoavaovien_ma": code, "ngaynhapkhoa": at(period.get("start")), "songaydieutri": days,
        "tongsongaydieutri": days, "ngayravien": at(period.get("end")), "chandoan": main[1], "chandoan_ma": main[0],
        "maicd": main[0], "tenicd": main[1], "maicd_khac": ";".join(c for c, _ in rest if c),
        "tenicd_khac": "; ".join(n for _, n in rest if n), "tomtat": _told(v, "Tóm tắt", "Cận lâm sàng", "Đánh giá"),
        "huongdieutri": _told(v, "Hướng xử trí", "Hướng điều trị"), "danhsachsinhhieu": signs,
        "tinhtrangravien": {"ketquadieutri": leaving.get("text"), "loidanbacsi": _told(v, "Ghi chú", "Lời dặn")},
    }  # fmt: skip


def _orders_of_drugs(v: Visit) -> Given:
    slips: dict[str, list[dict[str, Any]]] = {}
    for d in v.of["MedicationRequest"]:
        slips.setdefault(str((d.get("groupIdentifier") or {}).get("value") or d.get("authoredOn") or d["id"]), []).append(d)
    named = [(str((x[0].get("groupIdentifier") or {}).get("value") or x[0]["id"]), x) for x in slips.values()]
    return {"sovaovien": _number(v), "danhsach": [_slip(v, number, listed) for number, listed in named]}


def _slip(v: Visit, number: str, listed: Sequence[Given]) -> Given:
    doctor, code = _who(listed[0].get("requester"))
    return {
        "sophieu": number, "bacsichidinh": doctor, "mabacsichidinh": code, "chandoansobo": (_diagnoses(v) or [("", "")])[0][1],
        "doituongbn": "BHYT" if v.coverage else "Thu phí", "danhsach": [_drug(d) for d in listed],
    }  # fmt: skip


def _drug(d: Given) -> Given:
    concept = d.get("medicationCodeableConcept") or {}
    amount = (d.get("dispenseRequest") or {}).get("quantity") or {}
    return {
        "machidinh": d.get("id"), "cachdung": "; ".join(str(x.get("text") or "") for x in d.get("dosageInstruction") or ()),
        "ngaykedonthuoc": at(d.get("authoredOn")), "donvitinh": amount.get("unit"), "mathuocvattu_bv": _code(concept, s.DRUG),
        "soluongthuocvattu": amount.get("value"), "tenthuocvattu": _text(concept), "loaithuoc": _code(concept, s.ATC),
    }  # fmt: skip


def _orders(v: Visit) -> Given:
    slips: dict[str, list[dict[str, Any]]] = {}
    for o in v.of["ServiceRequest"]:
        slips.setdefault(str((o.get("requisition") or {}).get("value") or o.get("authoredOn") or o["id"]), []).append(o)
    out = []
    for listed in slips.values():
        number = str((listed[0].get("requisition") or {}).get("value") or listed[0]["id"])
        doctor, code = _who(listed[0].get("requester"))
        services = [
            {"machidinh": o["id"], "ngaychidinh": at(o.get("authoredOn")), "tenchidinh": _text(o.get("code")),
             "loaichidinh": _text((o.get("category") or [{}])[0]), "soluong": (o.get("quantityQuantity") or {}).get("value") or 1,
             "loaimachidinh": _code(o.get("code"))}
            for o in listed
        ]  # fmt: skip
        out.append({"sophieu": number, "bacsichidinh": doctor, "mabacsichidinh": code, "danhsach": services,
                    "chandoansobo": (_diagnoses(v) or [("", "")])[0][1], "khoadieutri": _department(v)[0],
                    "mucdochidinh": {"stat": "Cấp cứu", "urgent": "Khẩn"}.get(str(listed[0].get("priority")), "Thường"),
                    })  # fmt: skip
    return {"sovaovien": _number(v), "danhsach": out}


def _reports(v: Visit, imaging: bool) -> list[dict[str, Any]]:
    def is_image(r: Given) -> bool:
        return any(
            c.get("code") in ("RAD", "IMG", "US", "CT", "MR") for x in r.get("category") or () for c in x.get("coding") or ()
        )

    return [r for r in v.of["DiagnosticReport"] if is_image(r) is imaging]


def _images(v: Visit) -> list[Given]:
    out: list[Given] = []
    for r in _reports(v, True):
        by: Given = next(iter(r.get("resultsInterpreter") or r.get("performer") or ()), {})
        done, code = _who(by)
        out.append({"sovaovien": _number(v), "sophieu": r["id"], "machidinh": reference_id(next(iter(r.get("basedOn") or ()), {})),
                    "bacsithuchien": done, "mabacsithuchien": code, "chandoan": (_diagnoses(v) or [("", "")])[0][1],
                    "kqcls_mota": _text(r.get("code")), "kqcls_ketluan": r.get("conclusion"),
                    "ngayketqua": at(r.get("issued") or r.get("effectiveDateTime"))})  # fmt: skip
    return out


def _laboratory(v: Visit) -> list[Given]:
    values = {o["id"]: o for o in v.of["Observation"]}
    out: list[Given] = []
    for r in _reports(v, False):
        done, code = _who(next(iter(r.get("performer") or ()), {}))
        rows = [_result(values[i], r) for x in r.get("result") or () if (i := reference_id(x)) in values]
        out.append({"sovaovien": _number(v), "sophieu": r["id"], "chandoan": (_diagnoses(v) or [("", "")])[0][1],
                    "giolaymau": at(r.get("effectiveDateTime")), "khoa": _department(v)[0], "nguoithuchienxetnghiem": done,
                    "manguoithuchienxetnghiem": code, "doituongbn": "BHYT" if v.coverage else "Thu phí", "danhsach": rows,
                    })  # fmt: skip
    return out


def _result(o: Given, report: Given) -> Given:
    q: Given = o.get("valueQuantity") or {}
    limits: Given = next(iter(o.get("referenceRange") or ()), {})
    low, high = ((limits.get(k) or {}).get("value") for k in ("low", "high"))
    span = str(limits.get("text") or "") or (
        "" if low is None and high is None else f"{'' if low is None else low} - {'' if high is None else high}"
    )
    flag = _code(next(iter(o.get("interpretation") or ()), {}))
    value = q.get("value", o.get("valueString") or _text(o.get("valueCodeableConcept")))
    return {"donvi": q.get("unit"), "ketqua": value, "ketquabatthuong": "" if flag in ("N", "") else flag,
            "nhom": _text(report.get("code")), "tenxetnghiem": _text(o.get("code")), "trisothamchieu": span}  # fmt: skip


def _procedure(v: Visit, p: Given) -> dict[str, Any]:
    room, bed = _place(v)
    team = {_text(x.get("function")): _who(x.get("actor")) for x in p.get("performer") or ()}
    surgeon = next(iter(team.values()), ("", ""))
    done = p.get("performedDateTime") or (p.get("performedPeriod") or {}).get("start")
    return {"sovaovien": _number(v), "sophieu": p.get("id"), "khoa": _department(v)[0], "khoa_ma": _department(v)[1], "buong": room,
            "giuong": bed, "tuoi": _patient(v)["tuoi"],
            "ngaygiovaovien": at((v.encounter.get("period") or {}).get("start")),
            "gioitinh": {"male": "Nam", "female": "Nữ"}.get(str(v.patient.get("gender")), ""), "ngaygiophauthuat": at(done),
            "phauthuatvien": surgeon[0], "maphauthuatvien": surgeon[1],
            "trinhtuphauthuatthuthuat": _text(p.get("code")) + "".join(f". {n.get('text')}" for n in p.get("note") or ()),
            }  # fmt: skip


def _is_surgery(p: Given) -> bool:
    return any(c.get("code") == "387713003" for c in (p.get("category") or {}).get("coding") or ())


SECTIONS = {
    "ma_cskcb_den": "to", "dau_hieu_ls": "findings", "chan_doan_rv": "diagnosis", "qt_benhly": "course", "tomtat_kq": "results",
    "pp_dieutri": "treatment", "tinh_trang_ct": "outcome", "ma_lydo_ct": "reason", "huong_dieu_tri": "advice",
    "phuongtien_vc": "transport", "hoten_nguoi_ht": "hoten_nguoi_ht", "chucdanh_nguoi_ht": "chucdanh_nguoi_ht",
    "so_chuyentuyen": "so_chuyentuyen", "giay_chuyen_tuyen": "giay_chuyen_tuyen", "ma_ttdv": "ma_ttdv",
}  # fmt: skip
"""Field of table 13 -> the section of a referral paper that says it, where its own name is not the section's code."""


def _referral(v: Visit, paper: Given) -> dict[str, Any]:
    """A referral paper of the visit, by the names of decision 3176's table 13."""
    parts = papers.sections(paper)
    said = {name: next((" ".join(p.lines) for p in parts if {name, other} & p.keys), "") for name, other in SECTIONS.items()}
    person, found = _patient(v), _diagnoses(v)
    period = v.encounter.get("period") or {}
    return said | {
        "sovaovien": _number(v), "so_hoso": str(paper.get("id") or ""), "ma_cskcb": identifier(v.facility, s.FACILITY_CODE),
        "ho_ten": person["hoten"], "ngay_sinh": person["ngaysinh"], "gioi_tinh": person["gioitinh"],
        "ma_dantoc": person["dantoc_ma"], "dia_chi": person["diachi"], "ma_the_bhyt": person["mabhyt"],
        "gt_the_den": person["denngaybhyt"], "ngay_vao": at(period.get("start")), "ngay_ra": at(period.get("end")),
        "ngay_vao_noi_tru": at(period.get("start")) if _class(v) == "IMP" else "",
        "chan_doan_rv": said["chan_doan_rv"] or "; ".join(n for _, n in found if n),
        "ma_benh_chinh": found[0][0] if found else "", "ma_benh_kt": ";".join(c for c, _ in found[1:] if c),
        "ma_bac_si": _who(next(iter(paper.get("author") or ()), {}))[1],
    }  # fmt: skip


def _class(v: Visit) -> str:
    return str((v.encounter.get("class") or {}).get("code") or "")


def _by_emergency(v: Visit) -> bool:
    """Whether the visit was one, or came in by it (HL7 admit-source emd)."""
    source = (v.encounter.get("hospitalization") or {}).get("admitSource") or {}
    return _class(v) == "EMER" or any(c.get("code") == "emd" for c in source.get("coding") or ()) or _slug(source) == "cap-cuu"


def _slug(concept: Given) -> str:
    return papers.slug(str(concept.get("text") or ""))


def _emergency(v: Visit) -> dict[str, Any]:
    """What an emergency's record says beside the other groups, under their names; of another visit its number alone."""
    number = {"sovaovien": _number(v)}
    if not _by_emergency(v):
        return number
    person, inward, care = _patient(v), _coming_in(v), _care(v)
    taken = {
        "mabenhnhan": person, "hoten": person, "ngaysinh": person, "tuoi": person, "gioitinh": person, "noigioithieu_loai": person,
        "denkhambenhluc": inward, "lydovaovien": inward, "quatrinhbenhly": inward, "mach": inward, "nhietdo": inward,
        "nhiptho": inward, "huyetap_tamthu": inward, "huyetap_tamtruong": inward, "cannang": inward,
        "khambenh_toanthan": inward, "bacsikhambenh": inward, "mabacsikhambenh": inward, "chandoan": care, "maicd": care,
        "tenicd": care, "huongdieutri": care,
    }  # fmt: skip
    return number | {name: source.get(name) for name, source in taken.items()}


def _referrals(v: Visit) -> list[dict[str, Any]]:
    found = [c for c in v.of["Composition"] if (k := papers.kind_of(c)) is not None and k.code == "referral"]
    return [_referral(v, c) for c in found if c.get("status") != "entered-in-error"]


def groups(v: Visit) -> dict[str, Any]:
    """The eleven groups, whole and in order."""
    given: dict[str, Any] = {
        "ThongTinBenhNhan": _patient(v), "ThongTinVaoVien": _coming_in(v), "ThongTinDieuTri": _care(v),
        "YLenhThuocVatTu": _orders_of_drugs(v), "PhieuChiDinh": _orders(v), "KetQuaChanDoanHinhAnh": _images(v),
        "KetQuaXetNghiem": _laboratory(v), "GiayChuyenVien": _referrals(v), "HoSoCapCuu": _emergency(v),
        "PhieuThuThuat": [_procedure(v, p) for p in v.of["Procedure"] if not _is_surgery(p)],
        "PhieuPhauThuat": [_procedure(v, p) for p in v.of["Procedure"] if _is_surgery(p)],
    }  # fmt: skip
    return {g: [shaped(g, x) for x in given[g]] if g in MANY else shaped(g, given[g]) for g in GROUPS}


def as_json(v: Visit) -> dict[str, Any]:
    return {ROOT: groups(v)}


def as_xml(v: Visit) -> bytes:
    """UTF-8, with its declaration. Lists repeat their tag; what there is none of is an empty element."""
    root = Element(ROOT)
    for name, value in groups(v).items():
        _put(root, name, value)
    indent(root)
    made: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _put(above: Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _put(above, name, each)
        if not value:
            SubElement(above, name)
        return
    one = SubElement(above, name)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _put(one, key, inner)
    else:
        one.text = _legal(str(value))


def _legal(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 0x20)
