"""Theatre: when two operations meet, what is asked before, during and after one, and what the note must say. Pure.

The checklist is the World Health Organization's Surgical Safety Checklist (2009, nineteen items in three pauses), in our own words.
The note's fields are those of "Phiếu phẫu thuật, thủ thuật" of circular 32/2023/TT-BYT, annex XXIX; anaesthesia is PP_VO_CAM of the
insurance data standard (decision 3176/QĐ-BYT)."""

# ruff: noqa: E501 - an item of the checklist stands on its line
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from longbien.base import clock
from longbien.base.words import Words, mark

from .discharge_form import moment

ANAESTHESIA = {
    "1": ("Gây mê", mark("General anaesthesia")),
    "2": ("Gây tê", mark("Regional or local anaesthesia")),
    "3": ("Châm tê", mark("Acupuncture")),
    "4": ("Khác", mark("Other anaesthesia")),
}
CLASSES = {"special": ("Đặc biệt", mark("Special")), "1": ("Loại I", mark("Class I")), "2": ("Loại II", mark("Class II")),
           "3": ("Loại III", mark("Class III"))}  # fmt: skip
LONGEST = timedelta(hours=16)
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ask:
    """One item. vi: its words on paper; text: a message. optional: "does not apply" is an answer. hard: a no stops everything."""

    key: str
    vi: str
    text: str
    optional: bool = False
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    vi: str
    title: str
    asks: tuple[Ask, ...]


STEPS = (
    Step("sign-in", "Trước khi gây mê", mark("Sign in: before anaesthesia"), (
        Ask("identity", "Người bệnh xác nhận họ tên, vị trí, phẫu thuật; đã ký cam kết",
            mark("The patient has confirmed name, site and operation; consent is signed"), hard=True),
        Ask("site", "Vị trí mổ đã đánh dấu", mark("The site is marked"), optional=True),
        Ask("machine", "Đã kiểm tra máy gây mê và thuốc", mark("Anaesthesia machine and drugs are checked")),
        Ask("oximeter", "Máy đo SpO₂ đã gắn và chạy", mark("The pulse oximeter is on and works")),
        Ask("allergy", "Đã xem tiền sử dị ứng", mark("Known allergies are looked at")),
        Ask("airway", "Đường thở khó, nguy cơ hít sặc: không, hoặc đã có phương tiện và người hỗ trợ",
            mark("Difficult airway or aspiration: no risk, or equipment and help are here")),
        Ask("blood", "Nguy cơ mất trên 500 ml máu (trẻ em 7 ml/kg): không, hoặc đã có đường truyền và dịch, máu",
            mark("Loss of more than 500 ml of blood (7 ml/kg in children): no risk, or access and fluids are ready")),
    )),
    Step("time-out", "Trước khi rạch da", mark("Time out: before the skin is cut"), (
        Ask("team", "Mọi thành viên đã giới thiệu tên và nhiệm vụ", mark("Everybody has said name and role")),
        Ask("confirm", "Xác nhận người bệnh, phẫu thuật và vị trí rạch da", mark("Patient, operation and site are confirmed"), hard=True),
        Ask("antibiotic", "Kháng sinh dự phòng trong vòng 60 phút", mark("Antibiotic given within the last 60 minutes"), optional=True),
        Ask("surgeon", "Phẫu thuật viên: bước khó, thời gian, máu dự kiến mất", mark("Surgeon: critical steps, how long, blood loss expected")),
        Ask("anaesthetist", "Gây mê: vấn đề riêng của người bệnh", mark("Anaesthetist: concerns about this patient")),
        Ask("nurse", "Điều dưỡng: vô khuẩn, dụng cụ", mark("Nurse: sterility and equipment")),
        Ask("images", "Phim, ảnh cần thiết đã treo", mark("The images that are needed are shown"), optional=True),
    )),
    Step("sign-out", "Trước khi rời phòng mổ", mark("Sign out: before leaving the theatre"), (
        Ask("name", "Tên phẫu thuật đã ghi", mark("The name of the operation is recorded")),
        Ask("counts", "Đếm đủ dụng cụ, gạc, kim", mark("Instruments, sponges and needles are counted and complete"), hard=True),
        Ask("specimen", "Bệnh phẩm đã dán nhãn có tên người bệnh", mark("Specimens carry the patient’s name"), optional=True),
        Ask("equipment", "Hỏng hóc dụng cụ đã báo", mark("Problems of equipment are reported"), optional=True),
        Ask("recovery", "Lưu ý khi hồi tỉnh và chăm sóc tiếp", mark("Concerns for recovery are said")),
    )),
)  # fmt: skip
BY_KEY = {s.key: s for s in STEPS}


def overlaps(a: tuple[datetime, datetime], b: tuple[datetime, datetime]) -> bool:
    """Do two operations meet? The end of the one may be the beginning of the next."""
    return a[0] < b[1] and b[0] < a[1]


def next_step(done: set[str]) -> str:
    """Which pause comes next; "" when all three are done."""
    return next((s.key for s in STEPS if s.key not in done), "")


def step_errors(step: Step, answers: Mapping[str, str], remarks: Mapping[str, str], done: set[str]) -> dict[str, str]:
    """Errors by item (marked messages). Every item is answered; a no is explained; some noes stop the operation."""
    errors: dict[str, str] = {}
    if next_step(done) != step.key and step.key not in done:
        errors["step"] = mark("The pause before this one is not done.")
    for a in step.asks:
        said = answers.get(a.key, "")
        if said not in ("yes", "no", "na") or (said == "na" and not a.optional):
            errors[a.key] = mark("Not answered yet.")
        elif said == "no" and a.hard:
            errors[a.key] = mark("Stop here: the operation does not go on until this is settled.")
        elif said == "no" and not remarks.get(a.key, "").strip():
            errors[a.key] = mark("Say what was done about it.")
    return errors


@dataclass(slots=True)
class Booking:
    """An operation on the list. surgeon, anaesthetist: Practitioner ids."""

    what: str
    theatre: str
    start: datetime
    minutes: int
    surgeon: str
    anaesthetist: str = ""
    urgent: bool = False
    before: str = ""

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.minutes)


def parse_booking(values: Mapping[str, str], now: datetime, theatres: set[str], w: Words) -> tuple[Booking, dict[str, str]]:
    errors: dict[str, str] = {}

    def get(name: str, limit: int = 300) -> str:
        return values.get(name, "").strip()[:limit]

    start = moment(get("day"), get("time"))
    minutes = int(get("minutes")) if get("minutes").isdigit() else 0
    if not get("what"):
        errors["what"] = w("Which operation?")
    if get("theatre") not in theatres:
        errors["theatre"] = w("Choose a theatre.")
    if start is None:
        errors["when"] = w("Say the day and the time, for example %(example)s.", example=f"{clock.local(now):%d/%m/%Y %H:%M}")
    elif start < now - timedelta(hours=12) or start > now + AHEAD:
        errors["when"] = w("An operation is put on the list for today or later, within a year.")
    if not 5 <= minutes <= LONGEST // timedelta(minutes=1):
        errors["minutes"] = w("From %(low)s to %(high)s %(unit)s.", low=5, high=LONGEST // timedelta(minutes=1), unit=w("minutes"))
    if not get("surgeon"):
        errors["surgeon"] = w("Who operates?")
    made = Booking(
        get("what"), get("theatre"), start or now, minutes or 60, get("surgeon"), get("anaesthetist"), get("urgent") == "1", get("before")
    )  # fmt: skip
    return made, errors


@dataclass(slots=True)
class Note:
    """What was done. texts: before, after, method, steps, drain, packing, drain_out, stitches_out, other, complications."""

    start: datetime
    end: datetime
    anaesthesia: str = "1"
    grade: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    without: str = ""


TEXTS = ("before", "after", "method", "steps", "drain", "packing", "drain_out", "stitches_out", "other", "complications", "blood")


def parse_note(values: Mapping[str, str], now: datetime, done: set[str], w: Words) -> tuple[Note, dict[str, str]]:
    """The note and the errors by field. Without all three pauses it says why: a list that is skipped in silence is none."""
    errors: dict[str, str] = {}
    start, end = (
        moment(values.get("start_day", ""), values.get("start_time", "")),
        moment(values.get("end_day", ""), values.get("end_time", "")),
    )
    example = f"{clock.local(now):%d/%m/%Y %H:%M}"
    if start is None:
        errors["start"] = w("Say the day and the time, for example %(example)s.", example=example)
    if end is None:
        errors["end"] = w("Say the day and the time, for example %(example)s.", example=example)
    if start and end and not start < end <= start + LONGEST:
        errors["end"] = w("The end comes after the beginning, within 16 hours.")
    if end and end > now + timedelta(minutes=5):
        errors["end"] = w("This time has not come yet.")
    out = Note(start or now, end or now, values.get("anaesthesia", "1"), values.get("grade", ""))
    out.texts = {k: values.get(k, "").strip()[:8000] for k in TEXTS}
    for name, text in (
        ("after", "What is the diagnosis after the operation?"),
        ("method", "How was it operated?"),
        ("steps", "What was done, step by step?"),
    ):
        if not out.texts[name]:
            errors[name] = w(text)
    if out.grade not in CLASSES:
        errors["grade"] = w("Choose one.")
    if out.anaesthesia not in ANAESTHESIA:
        errors["anaesthesia"] = w("Choose one.")
    out.without = values.get("without", "").strip()[:500]
    if next_step(done) and not out.without:
        errors["without"] = w("The safety checklist is not complete. Complete it, or say why it could not be.")
    return out, errors


_MESSAGES = (
    mark("What is the diagnosis after the operation?"), mark("How was it operated?"), mark("What was done, step by step?"),
)  # fmt: skip
