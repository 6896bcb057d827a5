"""What holds a stay open, and what must be true of its end. Pure.

Codes: KET_QUA_DTRI (result of treatment) and MA_LOAI_RV (kind of leaving) of the insurance data standard, decision 3176/QĐ-BYT
(2024) and its forerunners; the sections of the summary are part B "Tổng kết bệnh án" of circular 32/2023/TT-BYT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from longbien.base import clock
from longbien.base.words import mark

State = Literal["done", "open", "waits", "none", "unconnected"]
"""open: somebody here has to do it; waits: it comes from elsewhere; none: nothing is needed; unconnected: cannot be told here."""

RESULTS: dict[str, tuple[str, str]] = {
    "1": ("Khỏi", mark("Recovered")),
    "2": ("Đỡ", mark("Improved")),
    "3": ("Không thay đổi", mark("No change")),
    "4": ("Nặng hơn", mark("Worse")),
    "5": ("Tử vong tại cơ sở", mark("Died here")),
    "6": ("Tiên lượng nặng xin về", mark("Gravely ill, asked to go home")),
    "7": ("Chưa xác định", mark("Not determined")),
    "8": ("Tử vong ngoại viện", mark("Died outside the hospital")),
}
"""KET_QUA_DTRI: code -> (its Vietnamese wording in the standard, a message)."""
DEATHS = frozenset({"5", "8"})
KINDS: dict[str, tuple[str, str, str, str]] = {
    "1": ("Ra viện", mark("Discharged"), "home", "Home"),
    "2": ("Chuyển cơ sở theo yêu cầu chuyên môn", mark("Referred for medical reasons"), "other-hcf", "Other healthcare facility"),
    "3": ("Trốn viện", mark("Left without telling"), "aadvice", "Left against advice"),
    "4": ("Xin ra viện", mark("Left at own request"), "aadvice", "Left against advice"),
    "5": ("Chuyển theo yêu cầu người bệnh", mark("Transferred at the patient’s wish"), "other-hcf", "Other healthcare facility"),
}
"""MA_LOAI_RV: code -> (wording, message, code of HL7's discharge-disposition, its display)."""
REFERRED = frozenset({"2", "5"})
SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("course", "8648-8", "Quá trình bệnh lý và diễn biến lâm sàng", mark("Course of the illness")),
    ("results", "30954-2", "Tóm tắt kết quả cận lâm sàng có giá trị chẩn đoán", mark("Results that matter")),
    ("operations", "29554-3", "Phẫu thuật, thủ thuật", mark("Operations and procedures")),
    ("treatment", "18776-5", "Phương pháp điều trị", mark("Treatment given")),
    ("state", "10184-0", "Tình trạng người bệnh khi ra viện", mark("State at discharge")),
    ("advice", "69730-0", "Hướng điều trị và các chế độ tiếp theo", mark("Advice and what comes next")),
)
"""(key, LOINC, title as in circular 32/2023, message)."""
LETTING_GO = ("not-needed", "outpatient", "patient-wish", "other")
"""Why a result is no longer awaited here."""
AHEAD = timedelta(minutes=5)
"""Clocks differ by so much."""
UNDO_WITHIN = timedelta(hours=2)
"""After that a discharge is not taken back: the bill, the papers and the bed have gone on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the rail. `owner`: who has to move (a marked message or a name); `since`: since when it is so."""

    key: str
    title: str
    state: State
    detail: str = ""
    owner: str = ""
    since: datetime | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An order without an answer. `let_go`: somebody said why it is not awaited any more and who follows it up."""

    id: str
    title: str
    ordered: datetime
    due: datetime
    owner: str = ""
    let_go: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a stay that is to end. papers: (code, signed?) of those written. drugs: how many run, `decided` have a
    choice and `home` go home. written: when the summary was looked through and kept. bill: how the bill of the stay stands in the
    record; charges: how many lines it has."""

    main: str = ""
    more: int = 0
    awaited: Sequence[Awaited] = ()
    drugs: int = 0
    decided: int = 0
    home: int = 0
    written: datetime | None = None
    follow_up: str = ""
    papers: Sequence[tuple[str, bool]] = ()
    doctor: str = ""
    bill: State = "unconnected"
    charges: int = 0


def rail(s: Standing) -> list[Item]:
    """The rail in the order of a day of discharge. Where nothing is charged in the record the bill cannot be told here, and is
    never counted as done."""
    waiting = [a for a in s.awaited if not a.let_go]
    signed = [c for c, done in s.papers if done]
    earliest = min((a.ordered for a in waiting), default=None)
    late = next((a.owner for a in sorted(waiting, key=lambda a: a.due) if a.owner), "")
    return [
        Item("diagnoses", mark("Diagnoses"), "done" if s.main else "open", s.main, s.doctor, link="#diagnoses"),
        Item(
            "results", mark("Results due"), "waits" if waiting else "done",
            str(len(waiting)) if waiting else "", late, earliest, "#awaited",
        ),
        Item(
            "drugs", mark("Drugs home"), "none" if not s.drugs else "done" if s.decided >= s.drugs else "open",
            f"{s.decided}/{s.drugs}" if s.drugs else "", s.doctor, link="#drugs",
        ),
        Item("summary", mark("Summary"), "done" if s.written else "open", "", s.doctor, s.written, "#summary"),
        Item("follow-up", mark("Follow-up"), "done" if s.follow_up else "open", s.follow_up, s.doctor, link="#follow-up"),
        Item("papers", mark("Papers"), "done" if s.papers else "open", str(len(s.papers) or ""), s.doctor, link="#papers"),
        Item("bill", mark("Bill"), s.bill, str(s.charges or ""), mark("Cashier"), link="#bill"),
        Item(
            "signature", mark("Signature"), "done" if s.papers and len(signed) == len(s.papers) else "open",
            f"{len(signed)}/{len(s.papers)}" if s.papers else "", mark("Head of department"), link="#papers",
        ),
    ]  # fmt: skip


def bill(invoices: Iterable[Mapping[str, Any]], charges: int) -> State:
    """How the bill of a stay stands, by the Invoices that name it and how many charges it has: paid, or nothing to pay, is done;
    issued waits for the patient; charged and not issued is open; nothing charged: nothing is connected."""
    states = {str(x.get("status")): (x.get("totalNet") or {}).get("value", 0) for x in invoices}
    if "balanced" in states or ("issued" in states and states["issued"] <= 0):
        return "done"
    return "waits" if "issued" in states else "open" if charges else "unconnected"


def ready(items: Iterable[Item]) -> tuple[int, int]:
    """(done, of how many): what needs nothing counts as done, what cannot be told counts as not."""
    all_ = list(items)
    return sum(1 for i in all_ if i.state in ("done", "none")), len(all_)


def times(
    start: datetime, end: datetime, now: datetime, written: Iterable[tuple[datetime, str]]
) -> tuple[str, dict[str, str]] | None:
    """What is wrong with the time of leaving, as (message, values), or None. `written`: when something was done in this stay, and
    what: nothing may happen to a patient after they left (the insurer checks that order: decision 3176/QĐ-BYT)."""
    if end <= start:
        return mark("Leaving comes after admission, which was at %(time)s."), {"time": f"{clock.local(start):%H:%M %d/%m/%Y}"}
    if end > now + AHEAD:
        return mark("This time has not come yet. Now it is %(time)s."), {"time": f"{clock.local(now):%H:%M %d/%m/%Y}"}
    latest = max(((at, what) for at, what in written if at > end + AHEAD), default=None)
    if latest is not None:
        said = {"what": latest[1], "time": f"{clock.local(latest[0]):%H:%M %d/%m/%Y}"}
        return mark("%(what)s was recorded at %(time)s, after this time of leaving."), said
    return None


def agree(result: str, kind: str) -> str:
    """What is wrong with a result of treatment beside a kind of leaving, as a marked message, or ""."""
    if result not in RESULTS:
        return mark("Choose the result of treatment.")
    if kind not in KINDS:
        return mark("Choose how the patient leaves.")
    if result in DEATHS:
        return mark("A death is recorded on its own page, with the time and the causes.")
    if result == "6" and kind not in ("4", "3"):
        return mark("Who is gravely ill and asks to go home leaves at their own request.")
    if result == "1" and kind == "2":
        return mark("Who has recovered is not referred for medical reasons.")
    return ""


def days(start: datetime, end: datetime) -> int:
    """Days of the stay as the chart counts them, in the city's time: the day of admission is the first."""
    return (clock.local(end).date() - clock.local(start).date()).days + 1


def letting_go(awaited: Sequence[Awaited], said: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Errors by id of the order. `said`: id -> (why, who follows it up). An awaited result holds the discharge until it has come or
    both are named: a result that comes after everybody has gone must find somebody."""
    found = {}
    for a in awaited:
        why, who = said.get(a.id, ("", ""))
        if not why:
            found[a.id] = mark("Still awaited. Wait for it, or say why not and who follows it up.")
        elif not who:
            found[a.id] = mark("Who will look at this result when it comes?")
    return found


def suggest(route: str, text: str, before: bool) -> str:
    """home, stop, or "" (asked, not guessed). What was taken before the stay goes on; what is swallowed, inhaled or put on the skin
    goes home; what is given into a vein or a muscle stops here. What is begun here under the skin (insulin, heparin), and what is
    not known, is asked."""
    said = f"{route} {text}".lower()
    if before:
        return "home"
    if "dưới da" in said or "subcut" in said:
        return ""
    if any(x in said for x in ("tiêm", "truyền", "tĩnh mạch", "iv", "inject", "infus", "bơm")):
        return "stop"
    return "home" if any(x in said for x in ("uống", "oral", "ngậm", "xịt", "hít", "bôi", "nhỏ", "dán")) else ""
