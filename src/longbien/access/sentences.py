"""What a role, or an account, may do, in sentences that an administrator can read. They are made from the tables themselves
(roles.py, resource_types.py), so they cannot say anything else than what is in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from longbien.base.words import Words

from . import roles
from .resource_types import KINDS, NAMES
from .roles import Grant, Permission, Role
from .settings import AccessSettings

RIGHTS = {
    "r": ("xem và tìm", "see and search"),
    "rcu": ("xem, thêm và sửa", "see, add and change"),
    "rcud": ("xem, thêm, sửa và xoá", "see, add, change and delete"),
    "cu": ("thêm và sửa", "add and change"),
    "c": ("thêm", "add"),
    "u": ("sửa", "change"),
}
PURPOSES = {
    "TREAT": ("điều trị", "treatment"), "ETREAT": ("cấp cứu", "emergency"), "CAREMGT": ("phối hợp chăm sóc", "coordinating care"),
    "HPAYMT": ("thanh toán", "payment"), "HOPERAT": ("vận hành cơ sở", "running the facility"),
    "HDIRECT": ("danh bạ và thống kê", "directory and figures"), "PUBHLTH": ("y tế công cộng", "public health"),
    "HRESCH": ("nghiên cứu", "research"), "PATRQT": ("theo yêu cầu của người bệnh", "at the patient's request"),
    "HSYSADMIN": ("quản trị hệ thống", "running the system"),
}  # fmt: skip
WHOSE = {
    "open": ("Không xem được hồ sơ của người bệnh nào.", "Sees no patient's record."),
    "own": ("Chỉ xem được hồ sơ của chính mình.", "Sees one's own record only."),
    "cared": (
        "Xem được hồ sơ của mình và của người mình chăm sóc, khi giấy tờ chứng minh còn hiệu lực.",
        "Sees one's own record, and those of the people one cares for as long as what that rests on holds.",
    ),
    "care": (
        "Xem được hồ sơ của người bệnh đang được cơ sở khám, điều trị, và trong {days} ngày sau đó.",
        "Sees the records of patients under care at the facility, and for {days} days after.",
    ),
    "order": (
        "Xem được hồ sơ của người bệnh của cơ sở có chỉ định, đơn thuốc hoặc mẫu cho bộ phận mình, và trong {days} ngày sau đó.",
        "Sees the records of the facility's patients who have an order, a prescription or a sample for this service, and for "
        "{days} days after.",
    ),
    "care-ever": (
        "Xem được hồ sơ của mọi người bệnh từng được cơ sở khám, điều trị.",
        "Sees the records of everybody who was ever under care at the facility.",
    ),
    "everything": ("Là máy: phạm vi ghi trong mã truy cập của nó.", "A machine: its token's scope decides."),
}  # fmt: skip
STRICT = (
    "Cơ sở này giới hạn theo khoa: bác sĩ, điều dưỡng chỉ xem được người bệnh của khoa, của mình hoặc khi trực thay.",
    "This facility is strict: doctors and nurses see the patients of their department, their own, and of whom they stand in for.",
)
STATES = (
    "Mở được hồ sơ của người bệnh khác trong {hours} giờ sau khi ghi rõ lý do; việc này được ghi lại.",
    "Opens another patient's record for {hours} hours after saying why; that is written down.",
)
REGISTERS = (
    "Ghi nhận người bệnh mới vào sự chăm sóc của cơ sở.",
    "Puts a patient under the facility's care whom it does not care for yet.",
)


class Said(NamedTuple):
    """whose: which records. may: (the rights in words, what to; the purpose in words, "" for all). acts: things that pages do."""

    whose: list[str]
    may: list[tuple[str, str, str]]
    purposes: list[str]
    acts: list[str]


def of_role(role: Role, w: Words, settings: AccessSettings) -> Said:
    """The table of a role in words of the language of `w`."""
    at = 0 if w.lang == "vi" else 1
    whose = [WHOSE[role.rows][at].format(days=settings.care_days)]
    if role.name in roles.STATE_PURPOSE.roles:
        whose.append(STATES[at].format(hours=w.number(settings.purpose_hours)))
    if role.name in roles.REGISTER.roles:
        whose.append(REGISTERS[at])
    things: dict[tuple[str, str], list[str]] = {}
    for g in sorted(role.grants, key=lambda g: -len(g.rights)):
        things.setdefault((RIGHTS[g.rights][at], PURPOSES[g.purpose][at] if g.purpose else ""), []).extend(_things(g, at))
    may = [(rights, ", ".join(what), purpose) for (rights, purpose), what in things.items()]
    acts = [w(p.title) for p in every() if role.name in p.roles]
    return Said(whose, may, [PURPOSES[p][at] for p in role.purposes], acts)


def strict(w: Words) -> str:
    return STRICT[0 if w.lang == "vi" else 1]


def every() -> list[Permission]:
    """The permissions that the house itself knows."""
    return [p for p in vars(roles).values() if isinstance(p, Permission)]


def lines(said: Said, w: Words) -> Iterable[str]:
    """As plain text, for a terminal."""
    yield from said.whose
    for rights, what, purpose in said.may:
        yield f"{rights[0].upper()}{rights[1:]}: {what}" + (f" ({purpose})" if purpose else "")
    yield w("For: %(purposes)s", purposes=", ".join(said.purposes))
    yield w("Pages and acts: %(acts)s", acts="; ".join(said.acts) or "—")


def _things(grant: Grant, at: int) -> list[str]:
    kinds = [(KINDS[k].vi, KINDS[k].en)[at] for k in grant.kinds]
    return kinds + sorted(NAMES[t][at] for t in grant.named)
