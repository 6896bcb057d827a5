"""What every page of this room begins with: the desk of the reader, the words for what went wrong."""

from __future__ import annotations

from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, LongbienError, NotFound, PreconditionFailed, Unavailable
from longbien.base.ids import FHIR_ID
from longbien.web.page import Call

from ..actions import Desk, Shown
from ..signing.pades import Refused


def demo(call: Call) -> bool:
    return bool(getattr(call.request.app.state, "demo", False))


def desk(call: Call, reason: str, purpose: str | None = None) -> Desk:
    """The papers as this reader may handle them."""
    address = call.door.entry.site(call.request).origin
    return Desk(call.door, call.actor, call.scope(reason, purpose), demo=demo(call), address=address)


def id_of(call: Call, name: str = "id") -> str:
    """An id out of the address. Raises NotFound for what can be none."""
    found = str(call.request.path_params[name])
    if not FHIR_ID.match(found):
        raise NotFound("There is no such paper.")
    return found


async def reason_for(call: Call, patient: str) -> str:
    """Why this patient's record is open to the reader. Raises NotFound."""
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        raise NotFound("This record is not open to you.")
    return reason


def state(call: Call, shown: Shown) -> tuple[str, str]:
    """(words, badge) for how far a paper has come."""
    w = call.w
    if shown.stale:
        return w("changed since it was signed"), "warn"
    if shown.composition.get("status") == "entered-in-error":
        return w("entered in error"), "crit"
    if shown.file is None or not shown.signatures:
        return w("not signed"), "wait"
    if shown.whole:
        return w("signed by all"), "ok"
    return w("%(n)s of %(all)s signed", n=len(shown.signatures), all=len(shown.kind.blocks)), "wait"


def said(call: Call, error: LongbienError) -> str:
    """What went wrong with a signature and what to do, in the reader's words."""
    w = call.w
    known = {
        "There is no signing certificate for this account.": w(
            "You have no signing certificate here yet. Import the file (.p12) of your certificate provider first."
        ),
        "There is no signing certificate for this facility.": w(
            "The facility has no signing certificate here yet. The records office imports it."
        ),
        "This place is signed already.": w("This place is signed already."),
        "The paper changed after it was shown.": w("The paper changed after it was shown. Read it again, then sign."),
        "This paper is another facility's.": w("This paper is another facility's: it is signed there."),
        "Nothing is drawn yet.": w("Nothing is drawn yet. Sign in the box with a finger or a pen."),
        "This is no drawing.": w("The drawing cannot be read. Clear the box and sign again."),
        "Say why the paper is withdrawn.": w("Say why the paper is withdrawn."),
        "Nothing is signed yet: only a draft can be printed.": w("Nothing is signed yet: only a draft can be printed."),
        "This code is not right, or it has run out.": w(
            "This code is not right, or it has run out. The patient asks for a new one."
        ),
        "Say who signs.": w("Say who signs: name and relation to the patient."),
    }
    if error.text in known:
        return known[error.text]
    if isinstance(error, Refused):
        return w("Not signed: the certificate was revoked, has run out, or its authority does not count here.")
    if isinstance(error, Unavailable):
        return w("Not signed: the certificate's authority or the time stamp service does not answer. Try again in a moment.")
    if isinstance(error, Conflict | PreconditionFailed):
        return w("Somebody else was first. Look at the paper as it is now.")
    if isinstance(error, Forbidden):
        return w("Your role does not sign here.")
    if isinstance(error, Invalid) and error.text.startswith("The signing service refuses"):
        return w("The signing service refuses. Check the PIN or the one-time code.")
    return w("This did not work") + f": {error.text}"


def day(call: Call, at: Any) -> str:
    return f"{call.w.date(clock.local(at))} {call.w.time(at)}" if at is not None else ""
