"""TCVN3 (ABC fonts): Vietnamese of the nineties, whose bytes look like Latin-1 (`NguyÔn V¨n Lôa`). Recognised so that a refusal can
name it; never turned into Unicode silently, as its capital letters depend on the font. TCVN 5712:1993, VN3."""

from __future__ import annotations

import re

_HIGH = (
    "¨ă ©â ªê «ô ¬ơ \u00adư ®đ ¡Ă ¢Â £Ê ¤Ô ¥Ơ ¦Ư §Đ µà ¸á ¶ả ·ã ¹ạ »ằ ¾ắ ¼ẳ ½ẵ Æặ Çầ Êấ Èẩ Éẫ Ëậ Ìè Ðé Îẻ Ïẽ Ñẹ Òề Õế Óể Ôễ Öệ ×ì "
    "Ýí Øỉ Üĩ Þị ßò ãó áỏ âõ äọ åồ èố æổ çỗ éộ êờ íớ ëở ìỡ îợ ïù óú ñủ òũ ôụ õừ øứ öử ÷ữ ùự úỳ ýý ûỷ üỹ þỵ"
)
MAP = {pair[0]: pair[1] for pair in _HIGH.split(" ")}
_WORD = re.compile(r"[A-Za-z\u00a1-\u00ff]{2,}")
_SYLLABLE = re.compile(
    "(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx])?"
    "[aăâeêioôơuưyàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]{1,3}(?:ch|ng|nh|[cmnpt])?",
)
_VIETNAMESE = set("àáâãèéêìíòóôõùúýÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝ")


def _odd(word: str) -> bool:
    """A letter that Unicode Vietnamese does not have, or a capital with a tone amid small letters."""
    mixed = any(c.islower() for c in word)
    return any(c > "\x7f" and (c not in _VIETNAMESE or (mixed and n and c.isupper())) for n, c in enumerate(word))


def _suspicious(word: str) -> bool:
    """Odd as it stands, and a Vietnamese syllable when read as TCVN3."""
    return _odd(word) and bool(_SYLLABLE.fullmatch("".join(MAP.get(c, c) for c in word).lower()))


def in_text(text: str) -> bool:
    """Whether a text holds words of TCVN3 that were taken for Latin-1."""
    words = _WORD.findall(text)
    marked = [w for w in words if not w.isascii()]
    odd = sum(_suspicious(w) for w in marked)
    return odd > 0 and odd * 2 >= len(marked)


def in_bytes(data: bytes) -> bool:
    """Whether a file that is not UTF-8 holds TCVN3; looks at its first 64 KiB."""
    text = data[: 1 << 16].decode("latin-1")
    return sum(_suspicious(w) for w in _WORD.findall(text) if not w.isascii()) > 0
