"""Today's list of the general hospital's theatres: people of the surgical wards who came yesterday and are operated today."""

from __future__ import annotations

from datetime import datetime

from longbien.base.clock import HANOI
from longbien.demo import facilities
from longbien.demo.chance import stable_id
from longbien.demo.facilities import Bed
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.shapes import Resource, at, service_code
from longbien.ward.theatre_actions import Operation, booking, pause
from longbien.ward.theatre_rules import BY_KEY, STEPS, Booking
from longbien.web.entries import Writer

#: (department, number of the bed) -> (theatre, hour, minute, minutes)
LIST = {
    ("NGOAI", 1): (1, 7, 30, 60), ("NGOAI", 2): (2, 7, 45, 90), ("NGOAI", 3): (1, 9, 0, 75), ("NGOAI", 4): (2, 13, 30, 60),
    ("CTCH", 1): (3, 7, 30, 150), ("CTCH", 2): (3, 13, 30, 120),
}  # fmt: skip


def is_planned(bed: Bed) -> bool:
    return bed.facility == "SN" and (bed.department, int(bed.number)) in LIST


def planned(life: Life, visit: Visit, bed: Bed, code: str, before: str) -> None:
    """The order of yesterday, the entry of today's list, and for the first of each theatre the pauses before the cut."""
    theatre, hour, minute, minutes = LIST[bed.department, int(bed.number)]
    order = life.order(visit, visit.start, service_code(code), "procedure", status="active", reasonCode=[{"text": before}])
    start = at(life.today, hour, minute).replace(tzinfo=HANOI)
    helper = life.chance.choice(facilities.team("SN", "HSTC", "doctor"))
    names = {visit.doctor.id: visit.doctor.display, helper.id: helper.display}
    what = str(order["code"]["text"])
    b = Booking(what, facilities.theatre_id("SN", theatre), start, minutes, visit.doctor.id, helper.id, before=before)
    who = Writer(life.person.id, visit.doctor.id, visit.doctor.display, facilities.BY_MARK["SN"].id, str(visit.resource["id"]))
    asked, id_, place = visit.start.replace(tzinfo=HANOI), stable_id(life.person.id, "operation"), f"Phòng mổ {theatre}"
    entry: Resource = booking(b, id_, str(order["id"]), place, names, who, asked)
    life.out.append(entry)
    if hour < 8:
        _paused(life, Operation(entry, order, {}, None, None), who, start)


def _paused(life: Life, op: Operation, who: Writer, start: datetime) -> None:
    for step in STEPS[:2]:
        answers = {a.key: "yes" for a in BY_KEY[step.key].asks}
        life.out.append(pause(op, step.key, answers, {}, who, start))
