"""The papers that end a visit: sick-leave certificate, referral; and their print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...base import clock
from ...base.errors import Invalid, NotFound
from ...base.ids import new_id, patient_key
from ...base.paper import printed
from ...base.sql import queries
from ...fhir import systems as s
from ...record.store import Store
from ...record.types import number
from ...web.chart.record import first, moment, person
from ...web.desk import scoped
from ...web.page import Call, page
from ...web.pages.frame import frame, place_names
from .. import actions, codes, compose, leave, readings, view
from ..permissions import PRINT, VISIT
from ..readings import Reading, _decode
from ..view import Desk
from .visit import _encounter, lean, opened

Q = queries(__file__, "../sql/papers.sql")
TEMPLATE = Path(__file__).parents[1] / "print" / "paper.typ"
LEAVE_FIELDS = ("days", "workplace", "insurance", "method", "ended", "weeks", "cause", "father", "mother", "tb")
REFERRAL_FIELDS = ("to", "to_other", "reason", *(f[0] for f in leave.REFERRAL_FIELDS))


async def _begun(call: Call) -> tuple[dict[str, Any], Desk] | Response:
    got = await opened(call, call.request.path_params["id"], drafted=False)
    if isinstance(got, Response):
        return got
    shell, one = got
    if one is None:
        raise NotFound("There is no such visit.")
    return shell, one


def _day(one: Desk) -> date:
    start = moment(first(one.encounter.body, "period", "start"))
    return clock.local(start or clock.now()).date()


def diagnosis(one: Desk) -> str:
    """The diagnoses as the signed note says them; "" before it is signed."""
    if one.note is None:
        return ""
    found = (x for x in one.note.body.get("section") or () if x.get("title") == codes.DIAGNOSES[2])
    return next((readings.plain(x.get("text")) for x in found), "")


def _show(
    call: Call,
    shell: dict[str, Any],
    one: Desk,
    middle: str,
    values: Mapping[str, str],
    errors: leave.Errors,
    status: int = 200,
    **more: Any,
) -> Response:
    w = call.w
    wrong = {k: w(t, **{n: w(v) for n, v in a.items()}) for k, (t, a) in errors.items()}
    return call.html(
        "chart.html", status, **shell, middle=middle, f=SimpleNamespace(key="p", values=values, errors=wrong),
        encounter=_encounter(call, one),
        once=view.once(call) if call.form else new_id(), diagnosis=diagnosis(one), **more,
    )  # fmt: skip


# --- sick leave


@page(VISIT, "TREAT")
async def leave_form(call: Call) -> Response:
    got = await _begun(call)
    if isinstance(got, Response):
        return got
    shell, one = got
    number_ = next((n[-10:] for _, n, _ in one.life.coverage if len(n) >= 10), one.life.person.insurance[-10:])
    values = {"insurance": number_, "method": "Nội khoa"}
    return _leave(call, shell, one, values, {})


def _leave(
    call: Call, shell: dict[str, Any], one: Desk, values: Mapping[str, str], errors: leave.Errors, status: int = 200
) -> Response:
    begin = _day(one)
    return _show(
        call, shell, one, "clinic/sick-leave.html", values, errors, status, begin=begin,
        child=leave.child(one.life.person.birth, begin),
        most=leave.LEAVE_DAYS,
    )  # fmt: skip


@page(VISIT, "TREAT")
async def write_leave(call: Call) -> Response:
    patient = call.request.path_params["id"]
    one = await lean(call, patient)
    values = {k: call.field(k, 500) for k in LEAVE_FIELDS}
    checked = leave.sick_leave(values, _day(one), one.life.person.birth, bool(diagnosis(one)))
    if checked.errors:
        shell = await frame(call, patient, "visit")
        return shell if isinstance(shell, Response) else _leave(call, shell, one, values, checked.errors, 422)
    writer = view.writer(call, patient, one.encounter.id)
    paper = compose.paper("sick-leave", _leave_sections(values, checked, one), writer, f"{view.once(call)}-l", call.now)
    paper["event"] = [{"period": {"start": f"{checked.begin}", "end": f"{checked.end}"}}]
    await actions.write_paper(one.store, [paper])
    return call.go(f"/patients/{patient}/visit?encounter={one.encounter.id}&done=paper")


def _leave_sections(values: Mapping[str, str], checked: leave.Leave, one: Desk) -> list[dict[str, Any]]:
    assert checked.begin and checked.end
    span = f"{checked.days} ngày, từ {checked.begin:%d/%m/%Y} đến hết {checked.end:%d/%m/%Y}"
    parents = "\n".join(f"{who}: {values[k]}" for k, who in (("father", "Cha"), ("mother", "Mẹ")) if values[k])
    lost = values["ended"] == "1"
    rows = [
        ("DON_VI", "Đơn vị làm việc", values["workplace"]),
        ("MA_BHXH", "Mã số BHXH", values["insurance"]),
        ("CHAN_DOAN_RV", "Chẩn đoán và phương pháp điều trị", f"{diagnosis(one)}\nPhương pháp điều trị: {values['method']}"),
        ("SO_NGAY_NGHI", "Số ngày nghỉ", span),
        ("TUOI_THAI", "Đình chỉ thai nghén, tuổi thai (tuần)", values["weeks"] if lost else ""),
        ("NGUYENNHAN_DINHCHI", "Nguyên nhân đình chỉ thai", values["cause"] if lost else ""),
        ("HO_TEN_CHA_ME", "Thông tin cha mẹ", parents),
    ]
    return [compose.field(name, title, text) for name, title, text in rows if text]


# --- referral


async def _facilities(call: Call) -> dict[str, str]:
    """Other hospitals and clinics: id -> name."""
    sql, args = scoped(call.scope("where a patient can be referred to"), Q.facilities, number("Organization"))
    rows = await call.engine.db.fetch(sql, *args)
    found = {}
    for r, body in zip(rows, await call.engine.unpack_all([r["body"] for r in rows]), strict=True):
        x = _decode(body)
        if r["id"] != call.actor.organization and any(i.get("system") == s.FACILITY_CODE for i in x.get("identifier") or ()):
            found[r["id"]] = str(x.get("name") or r["id"])
    return dict(sorted(found.items(), key=lambda x: x[1]))


@page(VISIT, "TREAT")
async def referral_form(call: Call) -> Response:
    got = await _begun(call)
    if isinstance(got, Response):
        return got
    shell, one = got
    texts = readings.sections(one.note.body) if one.note else {}
    drugs = "; ".join(str(first(r.body, "medicationCodeableConcept", "text") or "") for r in one.own)
    values = {
        "signs": texts.get("exam", ""), "course": texts.get("history", ""), "treated": drugs or texts.get("plan", ""),
        "further": texts.get("plan", ""), "results": view.results_text(call, one.life, call.now),
    }  # fmt: skip
    return _show(
        call,
        shell,
        one,
        "clinic/referral.html",
        values,
        {},
        facilities=await _facilities(call),
        reasons=leave.REASONS,
        rows=leave.REFERRAL_FIELDS,
    )


@page(VISIT, "TREAT")
async def write_referral(call: Call) -> Response:
    patient = call.request.path_params["id"]
    one = await lean(call, patient)
    values = {k: call.field(k, 4000) for k in REFERRAL_FIELDS}
    known = await _facilities(call)
    errors = leave.referral(values, known, bool(diagnosis(one)))
    if errors:
        shell = await frame(call, patient, "visit")
        if isinstance(shell, Response):
            return shell
        return _show(
            call,
            shell,
            one,
            "clinic/referral.html",
            values,
            errors,
            422,
            facilities=known,
            reasons=leave.REASONS,
            rows=leave.REFERRAL_FIELDS,
        )
    resources = _referral(values, known, call, one, patient)
    try:
        await actions.write_paper(one.store, resources)
    except Invalid as why:
        raise Invalid(why.text, issues=why.issues, status=422) from None
    return call.go(f"/patients/{patient}/visit?encounter={one.encounter.id}&done=paper")


def _referral(values: Mapping[str, str], known: Mapping[str, str], call: Call, one: Desk, patient: str) -> list[dict[str, Any]]:
    """The paper, and the request that the other facility finds. A referral to a facility opens the record to it (record.ties)."""
    writer, once = view.writer(call, patient, one.encounter.id), view.once(call)
    to, name = values["to"], known.get(values["to"], "") or values["to_other"]
    said = [("MA_CSKCB_DEN", "Nơi chuyển đến", name), ("CHAN_DOAN_RV", "Chẩn đoán", diagnosis(one))]
    said += [(field, _TITLES[key], values[key]) for key, field, _, _ in leave.REFERRAL_FIELDS]
    said.append(("MA_LYDO_CT", "Lý do chuyển", f"{values['reason']}. {_REASONS[values['reason']]}"))
    paper = compose.paper("referral", [compose.field(f, t, v) for f, t, v in said if v], writer, f"{once}-t", call.now)
    request = compose.base("ServiceRequest", f"{once}-r", writer)
    code, display, vi = codes.REFERRAL
    performer = compose.reference("Organization", to, name) if to in known else {"display": name}
    request |= {
        "status": "active",
        "intent": "order",
        "category": [compose.concept(codes.SNOMED, code, display, vi)],
        "code": compose.concept(codes.SNOMED, code, display, vi),
        "authoredOn": clock.instant(call.now),
        "requester": compose.author(writer),
        "performer": [performer],
        "reasonCode": [{"text": diagnosis(one)[:1000]}],
        "supportingInfo": [{"reference": f"Composition/{paper['id']}"}],
        "note": [{"text": values["further"]}],
    }
    return [paper, request]


_TITLES = {
    "signs": "Dấu hiệu lâm sàng", "course": "Quá trình bệnh lý, diễn biến", "results": "Tóm tắt kết quả xét nghiệm, cận lâm sàng",
    "treated": "Phương pháp, thủ thuật, kỹ thuật, thuốc đã dùng",
    "state": "Tình trạng người bệnh lúc chuyển", "further": "Hướng điều trị",
    "transport": "Phương tiện vận chuyển", "escort": "Người hộ tống", "escort_title": "Chức danh người hộ tống",
}  # fmt: skip
_REASONS = {
    "1": "Đủ điều kiện chuyển cơ sở khám bệnh, chữa bệnh",
    "2": "Không phù hợp với khả năng đáp ứng của cơ sở",
    "3": "Theo yêu cầu của người bệnh hoặc người đại diện hợp pháp",
}


# --- print


@page(PRINT, "TREAT")
async def paper_pdf(call: Call) -> Response:
    """One paper as this room prints it; the records room keeps the signed one."""
    patient, id_ = call.request.path_params["id"], call.request.path_params["composition"]
    reason = await view.allowed(call, patient)
    store = Store(call.engine, call.scope(reason))
    stored = await store.read("Composition", id_)
    if stored.pat != patient_key(patient):
        raise NotFound("There is no such paper.")
    who = person(_decode((await store.read("Patient", patient)).body))
    paper = readings.of(stored)
    place = await _place(call, paper)
    pdf = await printed(TEMPLATE, _data(call, paper, who, place))
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": 'inline; filename="paper.pdf"'})


async def _place(call: Call, paper: Reading) -> str:
    id_ = str(first(paper.body, "custodian", "reference") or "").rpartition("/")[2]
    return (await place_names(call, {id_})).get(id_, "") if id_ else ""


def _data(call: Call, paper: Reading, who: Any, place: str) -> dict[str, Any]:
    w = call.w
    at = moment(paper.body.get("date"))
    day = clock.local(at or call.now)
    rows = []
    for x in paper.body.get("section") or ():
        code = next((str(c.get("code")) for c in (x.get("code") or {}).get("coding") or ()), "")
        rows.append({"code": code, "title": str(x.get("title") or ""), "text": readings.plain(x.get("text"))})
    return {
        "place": place,
        "title": str(paper.body.get("title") or ""),
        "number": str((paper.body.get("identifier") or {}).get("value") or ""),
        "name": who.name,
        "birth": w.date(who.birth),
        "age": w.age(who.birth, day.date()),
        "sex": w.sex(who.sex),
        "address": who.address,
        "citizen": who.citizen_id,
        "insurance": who.insurance,
        "phone": who.phone,
        "rows": rows,
        "day": f"Ngày {day.day:02d} tháng {day.month:02d} năm {day.year}",
        "doctor": next((str(a.get("display") or "") for a in paper.body.get("author") or ()), ""),
        "printed": f"{w.date(call.now)} {w.time(call.now)}, {call.actor.name}",
        "kind": next((str(c.get("code")) for c in (paper.body.get("type") or {}).get("coding") or ()), ""),
    }
