"""The shell's routes, and what the pages need of the application's state.

app.state.door          access.door.Door
set_up(app.state)       once, at start
"""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute, Route

from ..record.people import Nearby
from . import assets, departments
from .forms import pages as forms
from .page import route
from .pages import (
    account,
    account_invite,
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
    session_provider,
    session_steps,
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
    route("/sign-in/passkey/ask", session_steps.ask, ["POST"]),
    route("/sign-in/passkey", session_steps.passkey, ["POST"]),
    route("/sign-in/code", session_steps.code, ["POST"]),
    route("/sign-in/badge", session_steps.badge, ["POST"]),
    route("/sign-in/with/{provider}", session_provider.there),
    route("/sign-in/with/{provider}/back", session_provider.back),
    route("/sign-in/with/{provider}/logout", session_provider.logout, ["POST"]),
    route("/account/link/{provider}", session_provider.link, ["POST"]),
    route("/lock", session_steps.lock, ["POST"]),
    route("/unlock", session_steps.unlock_form),
    route("/unlock", session_steps.unlock, ["POST"]),
    route("/here", session_steps.here, ["POST"]),
    route("/welcome/{secret}", account_invite.welcome),
    route("/welcome/{secret}", account_invite.accept, ["POST"]),
    route("/invitations", account_invite.form),
    route("/invitations", account_invite.invite, ["POST"]),
    route("/invitations/again", account_invite.again, ["POST"]),
    route("/invitations/revoke", account_invite.revoke, ["POST"]),
    route("/account", account.account),
    route("/account/passkeys/ask", account.ask, ["POST"]),
    route("/account/passkeys", account.add_passkey, ["POST"]),
    route("/account/passkeys/name", account.rename_passkey, ["POST"]),
    route("/account/passkeys/remove", account.remove_passkey, ["POST"]),
    route("/account/app", account.offer_app, ["POST"]),
    route("/account/app/confirm", account.confirm_app, ["POST"]),
    route("/account/app/remove", account.remove_app, ["POST"]),
    route("/account/codes", account.new_codes, ["POST"]),
    route("/account/password", account.set_password, ["POST"]),
    route("/account/pin", account.set_pin, ["POST"]),
    route("/account/badge", account.add_badge, ["POST"]),
    route("/account/badge/remove", account.remove_badges, ["POST"]),
    route("/account/sessions/end", account.end_session, ["POST"]),
    route("/account/sessions/end-others", account.end_others, ["POST"]),
    route("/account/unlink", account.unlink, ["POST"]),
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
    *forms.ROUTES,
    route("/patients/{id}/{tab}", chart.section),
]


def set_up(state: Any, *, demo: bool = False, demo_logins: tuple[Any, ...] = ()) -> None:
    """`demo_logins`: objects with name, password, role, shown on the sign-in page of a demo only."""
    state.navs = departments.navs
    state.places = {}
    state.posts = {}
    state.telephones = {}
    state.nearby = Nearby()
    state.terms = Terms()
    state.demo = demo
    state.demo_logins = demo_logins
