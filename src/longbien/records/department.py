"""The card of the records office."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Panel, Tab
from longbien.base.words import mark
from longbien.web.page import route

from . import archive
from .guards import GUARDS
from .pages import keys, papers, patient, scans, verify, visits
from .roles import EVERY, PAPERS, TO_SIGN
from .signing.settings import SigningSettings

RECORDS = Department(
    name="records",
    title=mark("Records office"),
    routes=[
        route("/papers/to-sign", papers.to_sign),
        route("/papers/to-sign", papers.sign_many, ["POST"]),
        route("/papers/keys", keys.show),
        route("/papers/keys", keys.take_in, ["POST"]),
        route("/papers/keys/service", keys.service, ["POST"]),
        route("/papers/keys/end", keys.end, ["POST"]),
        route("/papers/scans/{id}", scans.one),
        route("/papers/scans/{id}", scans.name, ["POST"]),
        route("/papers/scans/{id}/file", scans.file),
        route("/patients/{id}/scan", scans.form),
        route("/patients/{id}/scan", scans.take, ["POST"]),
        route("/papers/{id}.pdf", papers.pdf),
        route("/papers/{id}", papers.one),
        route("/papers/{id}/page/{n}.png", papers.picture),
        route("/papers/{id}/copy", papers.copy, ["POST"]),
        route("/papers/{id}/sign", papers.sign, ["POST"]),
        route("/papers/{id}/withdraw", papers.withdraw, ["POST"]),
        route("/papers/{id}/patient", patient.pad),
        route("/papers/{id}/patient", patient.sign, ["POST"]),
        route("/verify", verify.ask),
        route("/verify/{code}", verify.show),
        route("/verify/{code}", verify.compare, ["POST"]),
        route("/me/papers", patient.mine),
        route("/me/papers/{id}.pdf", patient.own_pdf),
        route("/me/papers/{id}/code", patient.code, ["POST"]),
        route("/patients/{id}/papers", papers.tab),
        route("/patients/{id}/records/{visit}.json", visits.as_json),
        route("/patients/{id}/records/{visit}.xml", visits.as_xml),
        route("/patients/{id}/records/{visit}.zip", visits.as_zip),
        route("/patients/{id}/records/{visit}", visits.show),
        route("/patients/{id}/records/{visit}/state", visits.move, ["POST"]),
        route("/patients/{id}/records/{visit}/addendum", visits.add, ["POST"]),
        route("/patients/{id}/records/{visit}/paper", visits.make, ["POST"]),
    ],
    nav=[Nav("/papers/to-sign", mark("Papers to sign"), TO_SIGN, "papers")],
    tabs=[Tab("papers", "papers", mark("Papers"), PAPERS)],
    panels=[Panel("me", "records/me.html", patient.card)],
    permissions={p.code: p.title for p in EVERY},
    settings=SigningSettings,
    guards=GUARDS,
    jobs={archive.QUEUE: archive.job},
    always=frozenset({archive.QUEUE}),
)
