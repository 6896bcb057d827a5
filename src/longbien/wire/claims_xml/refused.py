"""A file that cannot be read as a claim, and where."""

from __future__ import annotations

from longbien.base.errors import Invalid


class Refused(Invalid):
    """kind: what is wrong, one word (bom, encoding, tcvn3, doctype, xml, base64, large, ...). where: `HOSO 1 XML3 2 NGAY_YL`."""

    def __init__(self, kind: str, where: str, text: str):
        super().__init__(f"{where}: {text}")
        self.kind, self.where, self.said = kind, where, text
