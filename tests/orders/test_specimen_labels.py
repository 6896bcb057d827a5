"""What is printed is read back: the bars of a label and of a form hold the numbers that stand below them."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
import typst
import zxingcpp
from PIL import Image

from longbien.demo import orderables
from longbien.orders import definitions as d
from longbien.orders import listing, printing
from longbien.orders.compose import Context, Line, compose
from longbien.orders.index import Index

SHARED = {
    "facility": "Bệnh viện Sông Hồng", "name": "Nguyễn Thị Khánh Huyền", "sex": "Nữ", "birth": "14/03/1955", "year": "1955",
    "citizen": "", "insurance": "GD4010012345678", "place": "Nội tim mạch · P.412 · 12", "by": "BS. Minh", "at": "30/11/2026 16:05",
    "printed": "30/11/2026 16:06 · ĐD. Hà", "number": "261130000001", "bars": printing.bars("261130000001"),
}  # fmt: skip


def signed(index: Index, *codes: str) -> list[listing.Order]:
    context = Context("p1", listing.moment("2026-11-30T16:05:00+07:00"), requisition="261130000001")  # type: ignore[arg-type]
    tubes: dict[str, str] = {}
    made = []
    for n, code in enumerate(codes):
        item = index.by_code["lab", code]
        number = tubes.setdefault(item.specimen, f"2611300000{len(tubes) + 2:02d}")
        made.append(compose(Line("a", item.id, priority="urgent" if code == "K" else "routine"), item, context, f"x-{n}", number))
    return listing.orders(made, [], "vi")


def pages(what: str, data: dict[str, Any]) -> list[Image.Image]:
    template = printing.FOLDER / f"{what}.typ"
    made = typst.compile(
        str(template), root=str(template.parent), font_paths=[], ignore_system_fonts=True, format="png", ppi=300.0,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )  # fmt: skip
    return [Image.open(BytesIO(x)) for x in (made if isinstance(made, list) else [made])]


@pytest.fixture(scope="module")
def index() -> Index:
    return Index([i for r in orderables.orderables() if (i := d.read(r))])


def test_a_label_for_each_tube_and_its_bars_hold_its_number(index: Index) -> None:
    orders = signed(index, "K", "CREA", "CBC", "GLU")
    labels = printing.labels(orders, index)
    assert len(labels) == 3  # potassium and creatinine share the tube
    assert any(x["urgent"] == "KHẨN" and "K+" in x["tests"] for x in labels)
    images = pages("labels", {**SHARED, "labels": labels, "groups": []})
    read = [zxingcpp.read_barcodes(i)[0].text for i in images]
    assert read == [x["number"] for x in labels]


def test_the_form_carries_its_number(index: Index) -> None:
    groups = printing.groups(signed(index, "K", "CBC"), index)
    assert [g["title"] for g in groups] == ["Xét nghiệm"]
    image = pages("form", {**SHARED, "labels": [], "groups": groups})[0]
    assert zxingcpp.read_barcodes(image)[0].text == "261130000001"


def test_a_tube_with_many_tests_says_how_many_more(index: Index) -> None:
    many = [i.key for i in index.items if i.kind == "lab" and i.specimen == index.by_code["lab", "K"].specimen][:30]
    labels = printing.labels(signed(index, *many), index)
    assert "+ 22" in labels[0]["tests"]
