"""The shell's routes, and what the pages need of the application's state.

app.state.door          access.door.Door
set_up(app.state)       once, at start
"""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute, Route

from ..record.people import Nearby
from . import assets
from .page import route
from .pages import (
    apps,
    apps_admin,
    audit,
    chart,
    consents,
    glass,
    live,
    me,
    me_consent,
    me_rights,
    permissions,
    permissions_accounts,
    permissions_cover,
    requests,
    retention,
    search,
    session,
    today,
    undo,
    who,
    write,
)
from .terms import Terms

ROUTES: list[BaseRoute] = [
    Route("/static/{hash}/{name:path}", assets.serve),
    route("/", session.start),
    route("/sign-in", session.sign_in_form),
    route("/sign-in", session.sign_in, ["POST"]),
    route("/sign-out", session.sign_out, ["POST"]),
    route("/language", session.language, ["POST"]),
    route("/today", today.today),
    route("/oauth/authorize", apps.authorize),
    route("/oauth/authorize", apps.answer, ["POST"]),
    route("/apps", apps.mine),
    route("/apps/{number:int}/end", apps.end, ["POST"]),
    route("/admin/apps", apps_admin.listed),
    route("/admin/apps", apps_admin.register, ["POST"]),
    route("/admin/apps/{client_id}/{what}", apps_admin.change, ["POST"]),
    route("/patients/{id}/apps", apps.of_patient),
    route("/patients/{id}/apps/{client_id}", apps.launch, ["POST"]),
    route("/me", me.home),
    route("/me/results", me.results),
    route("/me/results/{day}", me.result),
    route("/me/drugs", me.drugs),
    route("/me/notices", me.notices),
    route("/me/record", me.record),
    route("/me/who-saw", me.who_saw),
    route("/me/requests", me_rights.requests),
    route("/me/requests", me_rights.file, ["POST"]),
    route("/me/requests/{id}/back", me_rights.take_back, ["POST"]),
    route("/me/consent", me_consent.shared),
    route("/me/consent", me_consent.say, ["POST"]),
    route("/me/consent/{id}/withdraw", me_consent.withdraw, ["POST"]),
    route("/me/ask", me_rights.ask),
    route("/me/copy", me_rights.copies),
    route("/me/copy", me_rights.copy, ["POST"]),
    route("/me/copy/{id}", me_rights.fetch, ["POST"]),
    route("/requests", requests.worklist),
    route("/requests/new", requests.paper),
    route("/requests", requests.take, ["POST"]),
    route("/retention", retention.over),
    route("/retention", retention.propose, ["POST"]),
    route("/retention/{number}/{act}", retention.act, ["POST"]),
    route("/retention/{number}.pdf", retention.minutes),
    route("/requests/{id}", requests.one),
    route("/requests/{id}/answer", requests.answer, ["POST"]),
    route("/requests/{id}/letter.pdf", requests.letter),
    route("/permissions", permissions.roles),
    route("/permissions/why", permissions.why),
    route("/permissions/strict", permissions_accounts.strict, ["POST"]),
    route("/permissions/accounts", permissions_accounts.listed),
    route("/permissions/accounts/{number}", permissions_accounts.one),
    route("/permissions/accounts/{number}", permissions_accounts.change, ["POST"]),
    route("/cover", permissions_cover.covers),
    route("/cover", permissions_cover.give, ["POST"]),
    route("/cover/{number}/end", permissions_cover.end, ["POST"]),
    route("/glass", glass.openings),
    route("/glass/{number}/review", glass.review, ["POST"]),
    route("/glass/{number}/answer", glass.answer, ["POST"]),
    route("/search", search.search),
    route("/search/{id}", search.preview),
    route("/terms/icd10", write.icd10),
    route("/audit", audit.audit),
    route("/audit/lines.csv", audit.export),
    route("/audit/anomalies", audit.anomalies),
    route("/audit/anomalies/{number:int}", audit.review, ["POST"]),
    route("/patients/{id}", chart.chart),
    route("/patients/{id}/live", live.live),
    route("/patients/{id}/who-saw", who.who_saw),
    route("/patients/{id}/purpose", chart.state_purpose, ["POST"]),
    route("/patients/{id}/glass", glass.ask),
    route("/patients/{id}/glass", glass.break_it, ["POST"]),
    route("/patients/{id}/glass/end", glass.end, ["POST"]),
    route("/patients/{id}/consents", consents.show),
    route("/patients/{id}/consents", consents.take, ["POST"]),
    route("/patients/{id}/consents/{consent}/withdraw", consents.withdraw, ["POST"]),
    route("/patients/{id}/seen", write.seen, ["POST"]),
    route("/patients/{id}/undo", undo.undo, ["POST"]),
    route("/patients/{id}/acknowledge", write.acknowledge, ["POST"]),
    route("/patients/{id}/write/{form}", write.write, ["POST"]),
    route("/patients/{id}/drafts/{form}", write.draft, ["POST"]),
    route("/patients/{id}/read/{type}/{rid}", chart.read),
    route("/patients/{id}/labs/{code:path}", chart.values),
    route("/patients/{id}/{tab}", chart.section),
]


def set_up(state: Any, *, demo: bool = False, demo_logins: tuple[Any, ...] = ()) -> None:
    """`demo_logins`: objects with name, password, role, shown on the sign-in page of a demo only."""
    state.places = {}
    state.posts = {}
    state.telephones = {}
    state.nearby = Nearby()
    state.terms = Terms()
    state.demo = demo
    state.demo_logins = demo_logins
