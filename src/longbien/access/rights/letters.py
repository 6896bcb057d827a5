"""What a patient is told of a request: plain Vietnamese, who answers, what comes next, and by when.

Official letters are in Vietnamese whoever reads them: it is the language of the office (the pages around them speak both)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from longbien.base import clock, paper

from .request import KINDS, Request

TEMPLATE = Path(__file__).parent / "paper" / "letter.typ"


def day(when: date) -> str:
    return f"{when:%d/%m/%Y}"


def told(one: Request) -> str:
    """The notice after the last step."""
    name = KINDS[one.kind][0].lower()
    if one.status == "received":
        return f"Đã nhận yêu cầu “{name}”. Bệnh viện sẽ trả lời chậm nhất ngày {day(one.answer)}."
    if one.status == "in-progress":
        return f"Yêu cầu “{name}” cần thêm thời gian: {last(one)} Bệnh viện sẽ trả lời chậm nhất ngày {day(one.latest)}."
    if one.status == "completed":
        return f"Yêu cầu “{name}” đã được thực hiện. {one.outcome}"
    if one.status == "rejected":
        return (
            f"Yêu cầu “{name}” chưa thể thực hiện. Lý do: {one.outcome} Nếu không đồng ý, ông/bà có quyền khiếu nại với bệnh viện "
            "hoặc với cơ quan chuyên trách bảo vệ dữ liệu cá nhân."
        )
    return f"Yêu cầu “{name}”: đã rút lại."


def last(one: Request) -> str:
    return one.steps[-1].said if one.steps else ""


SUBJECTS = {
    "received": "Về việc tiếp nhận yêu cầu",
    "in-progress": "Về việc gia hạn trả lời yêu cầu",
    "completed": "Về kết quả thực hiện yêu cầu",
    "rejected": "Về việc chưa thực hiện được yêu cầu",
}


def paragraphs(one: Request, name: str) -> list[str]:
    """The letter's body, after the address and the subject."""
    asked = KINDS[one.kind][0].lower()
    how = "trên điện thoại" if one.channel == "phone" else "bằng giấy"
    out = [
        f"Kính gửi ông/bà {name},",
        f"Ngày {clock.local(one.filed):%d/%m/%Y}, bệnh viện nhận được yêu cầu {how} của {one.asker or name}: {asked}."
        + (f" Nội dung: “{one.text}”" if one.text else ""),
        told(one),
    ]
    if one.status in ("received", "in-progress"):
        out.append(
            "Trong thời gian chờ, ông/bà có thể xem tiến độ trên điện thoại, ở mục Hồ sơ, hoặc hỏi tại phòng lưu trữ hồ sơ bệnh án."
        )
    out.append("Căn cứ: Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15 và Nghị định số 356/2025/NĐ-CP.")
    return out


async def printed(one: Request, name: str, address: str, facility: str, now: datetime) -> bytes:
    """The letter about the last step, as a PDF to be signed."""
    today = clock.local(now)
    return await paper.printed(
        TEMPLATE,
        {
            "parent": "Sở Y tế Hà Nội",
            "facility": facility,
            "number": f"{one.id[:8]}/TL-HSBA",
            "day": f"{today:%d}",
            "month": f"{today:%m}",
            "year": f"{today:%Y}",
            "subject": SUBJECTS[one.status],
            "paragraphs": paragraphs(one, name),
            "name": name,
            "address": address,
            "foot": f"Yêu cầu {one.id} · in lúc {today:%H:%M %d/%m/%Y}",
        },
    )
