"""Who does what with legal papers."""

from __future__ import annotations

from longbien.access.roles import PATIENTS, Permission

_CARERS = frozenset({"nurse", "doctor", "head"})
PAPERS = Permission("papers", "See a patient's legal papers, print them, take a patient's signature", _CARERS | {"records"})
SIGN = Permission("sign-papers", "Sign legal papers with one's own key", frozenset({"doctor", "head"}))
SEAL = Permission("seal-papers", "Put the facility's signature on legal papers", frozenset({"head", "records"}))
TO_SIGN = Permission("to-sign", "See which papers wait for a signature", SIGN.roles | SEAL.roles)
SEAL_KEY = Permission("seal-key", "Look after the facility's signing certificate", frozenset({"records"}))
CLOSE = Permission("close-record", "Close the record of a visit, and archive it", frozenset({"doctor", "head", "records"}))
EXPORT = Permission("export-record", "Take the whole record of a visit out as a file", frozenset({"head", "records"}))
SCAN = Permission("scan-paper", "Put papers on paper into the record", frozenset({"nurse", "records"}))
OWN_PAPERS = Permission("own-papers", "One's own legal papers", PATIENTS)
EVERY = (PAPERS, SIGN, SEAL, TO_SIGN, SEAL_KEY, CLOSE, EXPORT, SCAN, OWN_PAPERS)


def may_fill(role: str, party: str) -> bool:
    """Whether somebody of this role signs in such a place. The patient's is filled by whoever takes their signature."""
    who = {"person": SIGN.roles, "head": frozenset({"head"}), "organisation": SEAL.roles, "patient": PAPERS.roles}
    return role in who.get(party, frozenset())
