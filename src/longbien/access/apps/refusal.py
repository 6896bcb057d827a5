"""What OAuth answers when it says no: an error of RFC 6749 (section 5.2, 4.1.2.1), RFC 7591 or RFC 8707, with a sentence for
whoever builds the app."""

from __future__ import annotations

from longbien.base.errors import LongbienError


class Refusal(LongbienError):
    """error: the code for the machine (invalid_grant). status: 400, or 401 where the client is not known."""

    code = "forbidden"

    def __init__(self, error: str, text: str, status: int = 400):
        super().__init__(text, status=status)
        self.error = error
