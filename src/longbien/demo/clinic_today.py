"""Today's other work at 08:20: the clinics, and the other wards."""

from __future__ import annotations

from datetime import timedelta

from longbien.base.clock import HANOI
from longbien.demo import facilities, nursing, theatre_today
from longbien.demo.admissions import STAYS, Stay, admission, easing_value, hospital_drugs, signs
from longbien.demo.facilities import Bed
from longbien.demo.illnesses import ILLNESSES
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.shapes import at, stamp
from longbien.demo.ward_today import expect_discharge, open_stay
from longbien.reception import rules as queues
from longbien.reception import shapes as desk

# Reasons in the cardiology clinic, most common first.
_REASONS = (
    "Tái khám tăng huyết áp",
    "Tái khám sau can thiệp mạch vành",
    "Tái khám rung nhĩ",
    "Hồi hộp, đánh trống ngực",
    "Khó thở khi gắng sức",
)
_STEADY = (
    "Đêm ngủ được, không sốt.",
    "Ổn định, ăn hết suất.",
    "Đi lại trong phòng, không than phiền gì.",
    "Toàn trạng khá, chờ kiểm tra lại.",
)
_STAY_OF = {
    "HH": ("J18.9", "J44.1"),
    "NOI": ("J18.9", "I50.9"),
    "NHI": ("J18.9", "A09"),
    "TK": ("I63.9",),
    "TM": ("I50.9",),
    "NGOAI": ("K35.8", "K80.0"),
    "TN": ("A97.1",),
    "TH": ("K92.2",),
    "CTCH": ("S72.0",),
    "NTIET": ("J18.9",),
    "THAN": ("I50.9",),
    "CTM": ("I21.4",),
}


def outpatient(life: Life, k: int, minh: bool) -> None:
    """An appointment today: eight in the morning in every state, the others planned for the afternoon."""
    chance = life.chance
    mark, dept = (
        ("SN", "TM") if minh else chance.choice((("SN", "NTIET"), ("SN", "HH"), ("BG", "NOI"), ("NC", "TM"), ("SN", "KKB")))
    )
    doctor = facilities.member("bs.minh") if minh else life.doctor(mark, dept)
    if k < 8:
        start = at(life.today, 7, 16) + timedelta(minutes=8 * k)
        status = ("finished", "finished", "finished", "finished", "finished", "in-progress", "arrived", "arrived")[k]
    else:
        start = at(life.today, 13, 30) + timedelta(minutes=8 * (k - 8))
        status = "planned"
    known = next((c for c in life.problems if c in ILLNESSES), None)
    reason = f"Tái khám {life.problems[known]['code']['text'].lower()}" if known else chance.choice(_REASONS)
    booked = {"finished": "fulfilled", "in-progress": "arrived", "arrived": "arrived", "planned": "booked"}[status]
    place = facilities.department(mark, dept)
    appointment = life.new(
        "Appointment",
        status=booked,
        serviceType=[{"text": place.name}],
        reasonCode=[{"text": reason}],
        start=stamp(start),
        end=stamp(start + timedelta(minutes=8)),
        minutesDuration=8,
        created=(life.today - timedelta(days=chance.randint(5, 40))).isoformat(),
        participant=[
            {"actor": life.subject, "status": "accepted"},
            {"actor": doctor.reference, "status": "accepted"},
            {"actor": {"reference": f"Location/{facilities.clinic_id(mark, place.code)}"}, "status": "accepted"},
        ],
    )
    visit = life.visit(
        mark,
        dept,
        start,
        reason,
        status=status,
        doctor=doctor,
        minutes=7,
        appointment=[{"reference": f"Appointment/{appointment['id']}"}],
    )
    if status != "planned" and place.clinic:
        _number(life, visit, k, mark, place.code, place.name, status)
    if known:
        life.diagnoses(visit, [life.problems[known]])
    if status in ("finished", "in-progress"):
        seen = life.vitals(visit, start - timedelta(minutes=6), "BP HR WT")
        if status == "finished":
            text = "Huyết áp đạt mục tiêu." if seen["SBP"] < 140 else "Huyết áp chưa đạt mục tiêu."
            life.note(
                visit,
                start + timedelta(minutes=6),
                "kham",
                (
                    ("Khám", f"HA {seen['SBP']:.0f}/{seen['DBP']:.0f}, mạch {seen['HR']:.0f}."),
                    ("Đánh giá", text),
                    ("Hướng xử trí", "Tiếp tục đơn cũ, hẹn 1 tháng."),
                ),
            )
    elif status == "arrived":
        life.vitals(visit, start - timedelta(minutes=4), "BP HR WT")


def _number(life: Life, visit: Visit, k: int, mark: str, dept: str, name: str, status: str) -> None:
    """The number in the room's queue: who came to an appointment has one of the series C."""
    room = desk.Room(facilities.clinic_id(mark, dept), f"Phòng khám {facilities.department(mark, dept).clinic}", "", name, dept)
    who = desk.Author("", "", facilities.BY_MARK[mark].id)
    called = visit.start.replace(tzinfo=HANOI)
    came = called - timedelta(minutes=12)
    label, day = queues.label(queues.BOOKED, k + 1), life.today.isoformat()
    task = desk.ticket("", life.person.id, visit.resource["id"], room, who, came, label=label, day=day)
    for state, moment in {
        "finished": (("called", called), ("done", called + timedelta(minutes=7))),
        "in-progress": (("called", called), ("inside", called + timedelta(minutes=1))),
    }.get(status, ()):
        task = desk.ticket_in(task, state, who, moment)
    life.new("Task", **{key: v for key, v in task.items() if key not in ("resourceType", "id", "requester")})


def choose_stay(life: Life, bed: Bed) -> Stay:
    """Why this person lies there: the ward and the person's number say it, so that the history can lead up to it."""
    wanted = _STAY_OF.get(bed.department, ("J18.9",))
    icd = wanted[life.person.i % len(wanted)]
    return next(x for x in STAYS if x.icd == icd)


def inpatient(life: Life, bed: Bed) -> None:
    """A patient of another ward: admitted some days ago, still there."""
    chance = life.chance
    if bed.department == "SAN":
        _mother(life, bed)
        return
    stay = choose_stay(life, bed)
    day = chance.randint(1, max(2, stay.days - 1))
    operated_today = stay.procedure is not None and theatre_today.is_planned(bed)
    day = 1 if operated_today else day
    start = at(life.today - timedelta(days=day), chance.randint(7, 21), chance.randint(0, 59))
    visit = open_stay(life, bed.facility, bed.department, start, stay.reason, bed, life.doctor(bed.facility, bed.department))
    condition = life.diagnosis(stay.icd, stay.text, visit)
    others = list(life.problems.values())[:4]
    life.diagnoses(visit, [condition, *others])
    life.vitals(
        visit,
        start,
        "BP HR TEMP RR SPO2" if life.age(life.today) >= 15 else "HR TEMP RR SPO2 WT",
        **signs(life, stay, 0, start.date()),
    )
    seen = life.labs(visit, start + timedelta(minutes=30), stay.labs.split(), stay.given)
    if stay.image:
        life.imaging(visit, start + timedelta(minutes=60), *stay.image)
    hospital_drugs(life, visit, stay, condition, stay.days + 2)
    life.note(visit, start + timedelta(minutes=80), "vao-vien", admission(life, stay, seen, others))
    if stay.procedure and operated_today:
        theatre_today.planned(life, visit, bed, stay.procedure[0], stay.text)
    elif stay.procedure:
        life.procedure(visit, start + timedelta(hours=5), stay.procedure[1], stay.procedure[0])
    for n in range(1, day + 1):
        morning = at(start.date() + timedelta(days=n), 6, chance.randint(0, 40))
        codes = "BP HR TEMP SPO2" if life.age(life.today) >= 15 else "HR TEMP SPO2"
        life.vitals(visit, morning, codes, **signs(life, stay, n, morning.date()))
        if n < day:
            text = stay.course[n - 1] if n <= len(stay.course) else chance.choice(_STEADY)
            plan = chance.choice(
                ("Tiếp tục điều trị, theo dõi.", "Tiếp tục. Xét nghiệm lại trước ra viện.", "Giữ thuốc, tập vận động.")
            )
            life.note(visit, morning + timedelta(hours=2), "dieu-tri", (("Diễn biến", text), ("Hướng xử trí", plan)))
    if day >= 2:
        again = {c: easing_value(life, c, v, life.today) for c, v in stay.given.items() if not isinstance(v, str)}
        repeated = [c for c in stay.labs.split() if c not in ("DENNS1", "ABG", "LIPID", "COAG")]
        life.labs(visit, at(life.today, 5, 30), repeated, again, minutes=60)
    expect_discharge(visit, life.today + timedelta(days=max(1, stay.days - day)))
    nursing.given(life, visit)


def _mother(life: Life, bed: Bed) -> None:
    start = at(life.today - timedelta(days=1), 14, 20)
    visit = open_stay(life, bed.facility, "SAN", start, "Thai đủ tháng, chuyển dạ", bed, life.doctor(bed.facility, "SAN"))
    life.diagnoses(visit, [life.diagnosis("O80.9", "Đẻ thường", visit)])
    life.vitals(visit, start, "BP HR TEMP")
    life.labs(visit, start + timedelta(minutes=20), ("CBC", "COAG"))
    life.procedure(visit, start + timedelta(hours=7), 30, "SN01")
    life.prescribe(visit, "para500", days=4)
    life.note(
        visit,
        start + timedelta(hours=8),
        "dieu-tri",
        (("Diễn biến", "Đẻ thường, mẹ tỉnh, ra máu ít. Con khóc to, bú tốt."), ("Hướng xử trí", "Theo dõi co hồi tử cung.")),
    )
    life.vitals(visit, at(life.today, 6, 10), "BP HR TEMP")
    expect_discharge(visit, life.today + timedelta(days=2))
