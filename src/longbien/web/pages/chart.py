"""The chart's pages: the overview from one request, its sections, and one entry read beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup, escape
from starlette.responses import Response

from ...access import purpose
from ...access.roles import CHART, STATE_PURPOSE
from ...base.errors import Invalid, NotFound
from ...base.ids import patient_key
from ...base.words import Words, parse_instant
from ...record.store import Store
from ..chart import measures
from ..chart.model import Chart, all_rows, measured, merged
from ..chart.record import Life, concept, first, moment
from ..page import Call, page
from .frame import _decode, ask_purpose, frame

PAGE = 100


def done(key: str, w: Words) -> str:
    """What a form's success says. The messages stand here so that they are found for translation."""
    return {
        "note": w("The note is signed."),
        "vitals": w("Vital signs are saved."),
        "allergy": w("The allergy is recorded."),
        "problem": w("The problem is added."),
        "acknowledged": w("Acknowledged."),
        "seen": w("All marked as seen."),
        "discarded": w("The draft is discarded."),
        "undone": w("Taken back."),
        "joined": w("That record was joined into this one. What you were writing came along."),
    }.get(key, "")


@page(CHART, "TREAT")
async def chart(call: Call) -> Response:
    shell = await frame(call, call.request.path_params["id"], "overview")
    if isinstance(shell, Response):
        return shell
    shell["toast"] = done(call.query.get("done", ""), call.w)
    shell["undo"] = {k: call.query[q] for k, q in (("entry", "undo"), ("seen", "unsee")) if call.query.get(q)}
    return call.html("chart.html", **shell, middle="chart/overview.html")


@page(CHART, "TREAT")
async def section(call: Call) -> Response:
    tab = call.request.path_params["tab"]
    if tab not in LISTS and tab not in ("labs", "nursing"):
        raise NotFound("There is no such section.")
    shell = await frame(call, call.request.path_params["id"], tab)
    if isinstance(shell, Response):
        return shell
    one: Life = shell["life"]
    view: Chart = shell["chart"]
    if tab in ("labs", "nursing"):
        rows = [r for r in all_rows(one, call.w, call.now, view.axis) if _vital(r.key) == (tab == "nursing")]
        return call.html("chart.html", **shell, middle="chart/labs.html", rows=rows, total=sum(r.count for r in rows))
    listing = _listing(call, tab, one)
    if call.request.headers.get("x-part") == "1":  # to be read in the panel, beside the axis
        return call.html("chart/list.html", listing=listing)
    return call.html("chart.html", **shell, middle="chart/list.html", listing=listing)


def _vital(code: str) -> bool:
    m = measures.table().get(code)
    return m is not None and m.group == "vital"


@page(CHART, "TREAT")
async def values(call: Call) -> Response:
    """Every value of one measure as a table."""
    code = call.request.path_params["code"]
    shell = await frame(call, call.request.path_params["id"], "nursing" if _vital(code) else "labs")
    if isinstance(shell, Response):
        return shell
    one: Life = shell["life"]
    w = call.w
    found = [measured(s, one, call.now, w) for s in merged(one.series) if s.code == code]
    if not found:
        raise NotFound("There are no such values.")
    rows: list[tuple[datetime, list[Any]]] = []
    for m in found:
        for i, (t, v) in enumerate(zip(m.series.times, m.series.values, strict=True)):
            flag = m.limits.flag(v)
            css = {"": "", "up": "flag", "dn": "flag lo", "cr up": "flag crit", "cr dn": "flag crit lo"}[flag]
            step = w.signed(round(v - m.series.values[i - 1], 6), m.decimals) if i else ""
            value = Markup('<b class="{}">{}</b>').format(css, w.number(v, m.decimals)) if css else w.number(v, m.decimals)
            rows.append(
                (t, [f"{w.date(t)} {w.time(t)}", value, m.series.unit, step, _range(m.limits.low, m.limits.high, w, m.decimals)])
            )
    rows.sort(key=lambda r: r[0], reverse=True)
    columns = [_col(w("Time")), _col(w("Value"), True), _col(w("Unit")), _col(w("Change"), True), _col(w("Range"))]
    listing = _paged(call, found[0].name, columns, [r for _, r in rows])
    return call.html("chart.html", **shell, middle="chart/list.html", listing=listing)


def _range(low: float | None, high: float | None, w: Words, decimals: int | None) -> str:
    if low is None and high is None:
        return ""
    if low is None:
        return f"≤ {w.number(high or 0, decimals)}"
    return f"≥ {w.number(low, decimals)}" if high is None else f"{w.number(low, decimals)} – {w.number(high, decimals)}"


def _col(title: str, num: bool = False) -> SimpleNamespace:
    return SimpleNamespace(title=title, num=num)


def _paged(
    call: Call, title: str, columns: list[SimpleNamespace], rows: Sequence[Sequence[Any]], range_: str = ""
) -> SimpleNamespace:
    """A page of a list that states its whole number."""
    try:
        number = int(call.query.get("page", "1"))
    except ValueError:
        number = 1
    pages = max(1, -(-len(rows) // PAGE))
    number = min(max(1, number), pages)
    kept = "".join(f"{k}={escape(call.query[k])}&" for k in ("from", "to") if k in call.query)
    return SimpleNamespace(
        title=title,
        columns=columns,
        rows=rows[(number - 1) * PAGE : number * PAGE],
        total_text=call.w.plural("%(n)s entry", "%(n)s entries", len(rows)),
        page=number,
        pages=pages,
        href=f"{call.request.url.path}?{kept}",
        all=call.request.url.path,
        range=range_,
    )


def _between(call: Call) -> tuple[datetime | None, datetime | None, str]:
    """The span asked for with from= and to=, and its words."""
    ends: list[datetime | None] = []
    for name in ("from", "to"):
        try:
            ends.append(parse_instant(call.query[name]) if call.query.get(name) else None)
        except ValueError:
            raise Invalid(f"{name}={call.query[name]!r} is not a time") from None
    low, high = ends
    text = " – ".join(call.w.date(e) if e else "…" for e in (low, high)) if low or high else ""
    return low, high, text


def _link(call: Call, type_: str, id_: str, text: str) -> Markup:
    patient = call.request.path_params["id"]
    return Markup('<a href="/patients/{}/read/{}/{}" data-read>{}</a>').format(patient, type_, id_, text or "…")


def _listing(call: Call, tab: str, one: Life) -> SimpleNamespace:
    title, columns, rows = LISTS[tab](call, one)
    low, high, text = _between(call)
    kept = [r for t, r in rows if t is None or ((low is None or t >= low) and (high is None or t <= high))]
    return _paged(call, title, columns, kept, text)


Listed = tuple[str, list[SimpleNamespace], list[tuple[datetime | None, list[Any]]]]


def _visits(call: Call, one: Life) -> Listed:
    w = call.w
    rows: list[tuple[datetime | None, list[Any]]] = [
        (v.start, [_link(call, "Encounter", v.id, f"{w.date(v.start)} {w.time(v.start)}"), _kind(v.kind, w), v.place_name, v.title, (w.span(v.end - v.start) if v.end else w("in progress"))])  # noqa: E501
        for v in sorted(one.visits, key=lambda v: v.start, reverse=True)
    ]  # fmt: skip
    return w("Visits"), [_col(w("Time")), _col(w("Kind")), _col(w("Where")), _col(w("For")), _col(w("Length"))], rows


def _kind(code: str, w: Words) -> str:
    return {
        "IMP": w("inpatient"),
        "ACUTE": w("inpatient"),
        "EMER": w("emergency"),
        "AMB": w("outpatient"),
        "HH": w("at home"),
        "VR": w("remote"),
    }.get(code, code)


def _drugs(call: Call, one: Life) -> Listed:
    w = call.w
    words = {
        "active": w("running"),
        "stopped": w("stopped"),
        "completed": w("ended"),
        "on-hold": w("on hold"),
        "cancelled": w("cancelled"),
    }
    rows: list[tuple[datetime | None, list[Any]]] = [
        (d.start, [w.date(d.start), _link(call, "MedicationRequest", d.id, d.name), d.dose, words.get(d.status, d.status), w.date(d.end), d.author])  # noqa: E501
        for d in sorted(one.drugs, key=lambda d: (d.status == "active", d.start), reverse=True)
    ]  # fmt: skip
    return (
        w("Drugs"),
        [_col(w("Since")), _col(w("Drug")), _col(w("Dose")), _col(w("Status")), _col(w("Until")), _col(w("By"))],
        rows,
    )


def _notes(call: Call, one: Life) -> Listed:
    w = call.w
    rows: list[tuple[datetime | None, list[Any]]] = [
        (n.time, [f"{w.date(n.time)} {w.time(n.time)}", _link(call, n.type, n.id, n.title or w("Note")), n.author, n.words[:200]])
        for n in sorted(one.notes, key=lambda n: n.time, reverse=True)
    ]
    return w("Notes"), [_col(w("Time")), _col(w("Note")), _col(w("By")), _col(w("In short"))], rows


def _images(call: Call, one: Life) -> Listed:
    w = call.w
    rows: list[tuple[datetime | None, list[Any]]] = [
        (i.time, [f"{w.date(i.time)} {w.time(i.time)}", i.modality, _link(call, i.type, i.id, i.title)])
        for i in sorted(one.images, key=lambda i: i.time, reverse=True)
    ]
    return w("Imaging"), [_col(w("Time")), _col(w("Kind")), _col(w("What"))], rows


def _problems(call: Call, one: Life) -> Listed:
    w = call.w
    rows: list[tuple[datetime | None, list[Any]]] = [
        (None, [_link(call, "Condition", p.id, p.name), p.code, w("active") if p.active else w("resolved"), w.date(p.onset)])
        for p in sorted(one.problems, key=lambda p: (not p.active, p.onset), reverse=False)
    ]
    rows += [
        (None, [_link(call, "AllergyIntolerance", a.id, w("Allergy: %(what)s", what=a.substance)), "", a.reaction, a.since])
        for a in one.allergies
    ]
    return w("Problems and allergies"), [_col(w("Problem")), _col("ICD-10"), _col(w("Status")), _col(w("Since"))], rows


LISTS = {"visits": _visits, "drugs": _drugs, "notes": _notes, "imaging": _images, "problems": _problems}
READABLE = (
    "Encounter", "Composition", "DocumentReference", "ClinicalImpression", "DiagnosticReport", "ImagingStudy", "Condition",
    "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Observation", "ServiceRequest",
)  # fmt: skip


@page(CHART, "TREAT")
async def read(call: Call) -> Response:
    """One entry in words, for the panel; as a page of its own without script."""
    p = call.request.path_params
    if p["type"] not in READABLE:
        raise NotFound("This cannot be read here.")
    reason = await call.door.why(call.actor, p["id"])
    if reason is None:
        return await ask_purpose(call, p["id"])
    stored = await Store(call.engine, call.scope(reason)).read(p["type"], p["rid"])
    if stored.pat != patient_key(p["id"]):  # somebody else's entry: not on this page, nor for this reason
        raise NotFound("There is no such entry.")
    resource = _decode(stored.body)
    w = call.w
    when = moment(
        resource.get("date")
        or resource.get("effectiveDateTime")
        or first(resource, "period", "start")
        or resource.get("started")
        or resource.get("authoredOn")
        or resource.get("recordedDate")
    )
    title = (
        str(resource.get("title") or "")
        or concept(resource.get("type"), call.lang)
        or concept(resource.get("code"), call.lang)
        or concept(resource.get("medicationCodeableConcept"), call.lang)
        or str(resource.get("description") or "")
        or p["type"]
    )
    author = str(
        first(resource, "author", "display")
        or first(resource, "performer", "display")
        or first(resource, "requester", "display")
        or first(resource, "recorder", "display")
        or ""
    )
    parts = [
        (str(s.get("title") or concept(s.get("code"), call.lang)), plain(s.get("text"))) for s in resource.get("section") or ()
    ]
    for name in ("description", "summary", "conclusion"):
        if resource.get(name) and resource.get(name) != title:
            parts += [("", str(resource[name]))]
    parts += [("", str(n.get("text"))) for n in resource.get("note") or () if n.get("text")]
    parts += [("", text) for text in attachments(resource)]
    if not parts and resource.get("text"):
        parts.append(("", plain(resource["text"])))
    facts = [(k, v) for k, v in _facts(resource, w, call.lang) if v]
    context: dict[str, Any] = {
        "title": title,
        "line": " · ".join(x for x in (w.date(when) + " " + w.time(when) if when else "", author) if x),
        "parts": parts,
        "facts": facts,
        "encounter": p["rid"] if p["type"] == "Encounter" else "",
        "source": w("Version %(version)s, recorded %(when)s", version=stored.version, when=w.moment(stored.updated, call.now)),
    }
    return call.html("chart/read.html" if call.part else "read.html", patient=p["id"], **context)


def _facts(x: dict[str, Any], w: Words, lang: str) -> list[tuple[str, str]]:
    period = " – ".join(w.date(t) for t in (first(x, "period", "start"), first(x, "period", "end")) if t)
    return [
        (w("Status"), str(x.get("status") or concept(x.get("clinicalStatus"), lang) or "")),
        (w("Kind"), _kind(str(first(x, "class", "code") or ""), w)),
        (w("Where"), str(first(x, "serviceProvider", "display") or first(x, "custodian", "display") or "")),
        (w("Period"), period),
        (w("For"), concept(x.get("reasonCode"), lang)),
        (w("Dose"), str(first(x, "dosageInstruction", "text") or "")),
        (w("Reaction"), concept(first(x, "reaction", "manifestation"), lang)),
        (
            w("Value"),
            " ".join(str(v) for v in (first(x, "valueQuantity", "value"), first(x, "valueQuantity", "unit")) if v is not None),
        ),
    ]


_BREAKS = ("</p>", "</div>", "</li>", "<br/>", "<br>", "<br />", "</tr>", "</h1>", "</h2>", "</h3>")


def plain(narrative: Any) -> str:
    """A Narrative's XHTML as text: its tags gone, its line ends kept. What is shown is escaped again by the template."""
    div = str((narrative or {}).get("div") or "") if isinstance(narrative, dict) else ""
    for tag in _BREAKS:
        div = div.replace(tag, "\n")
    return "\n".join(t for line in div.split("\n") if (t := str(Markup(line).striptags())))  # noqa: S704 - becomes plain text


def attachments(x: dict[str, Any]) -> list[str]:
    """The text of attachments that are plain text; others are named with their kind and size."""
    found = []
    for a in [c.get("attachment") or {} for c in x.get("content") or ()] + list(x.get("presentedForm") or ()):
        kind = str(a.get("contentType") or "")
        if kind.startswith("text/plain") and a.get("data"):
            try:
                found.append(base64.b64decode(a["data"]).decode("utf-8", "replace"))
            except ValueError:
                found.append(kind)
        elif kind or a.get("title"):
            found.append(" · ".join(str(v) for v in (a.get("title"), kind) if v))
    return found


@page(STATE_PURPOSE, "TREAT")
async def state_purpose(call: Call) -> Response:
    patient = call.request.path_params["id"]
    said, chosen = call.field("reason", 600), call.field("purpose", 20)
    try:
        await purpose.state_purpose(call.engine, call.actor, patient, chosen, said, settings=call.door.settings)
    except Invalid:
        text = call.w("Say why in words of your own: at least %(n)s letters.", n=purpose.SHORTEST)
        return await ask_purpose(call, patient, error=text, reason=said, chosen=chosen, status=422)
    return call.go(f"/patients/{patient}")
