"""Words, numbers, dates and names for people, in Vietnamese (first) and English.

Messages are English in the code; `locale/vi.po` holds the Vietnamese and is read when this module is loaded (no compiled
catalogue to forget). A test holds that every message has Vietnamese.

    w = words("vi")
    w("Since you last looked")              # Từ lần xem trước
    w("%(n)s new", n=7)
    w.number(1234.5)                        # 1.234,5     (en: 1,234.5)
    w.money(1234567)                        # 1.234.567 đ
    w.age(date(1955, 3, 14), today)         # 71 tuổi

Forms of dates, ages and money: the habits of Vietnamese hospitals (dd/mm/yyyy, 24 h, Hanoi clock; under 72 months in months,
under one month in days; given name last and strong).
"""

from __future__ import annotations

import ast
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from .clock import HANOI, local
from .fold import fold

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
NAMELESS = "Chưa rõ danh tính"
"""How the name of somebody begins whom nobody knows yet; what is seen of them follows."""
LOCALE = Path(__file__).parent / "locale"

Number = int | float | Decimal


def mark(message: str) -> str:
    """Mark a message for translation where it is written down, translate it where it is shown."""
    return message


# ---- the catalogue ---------------------------------------------------------------------------------------------------

Key = tuple[str, str]  # (context, msgid)


def read_po(text: str) -> dict[Key, list[str]]:
    """The messages of a gettext .po file: (context, msgid) -> its msgstr forms. Untranslated and fuzzy ones are left out.
    Reads the part of the format that tools write: comments, msgctxt, msgid, msgid_plural, msgstr, msgstr[n], continued
    strings. Raises ValueError with the line number at anything else."""
    found: dict[Key, list[str]] = {}
    entry: dict[str, str] = {}
    field, fuzzy = "", False

    def close() -> None:
        nonlocal entry, field, fuzzy
        forms = [entry[k] for k in sorted(k for k in entry if k.startswith("msgstr"))]
        if entry.get("msgid") and forms and all(forms) and not fuzzy:
            found[(entry.get("msgctxt", ""), entry["msgid"])] = forms
        entry, field, fuzzy = {}, "", False

    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            close()
        elif line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif line.startswith('"') and field:
            entry[field] += ast.literal_eval(line)
        elif m := re.match(r'(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+(".*")\Z', line):
            field = m[1]
            if field in entry:
                raise ValueError(f"line {number}: a second {field} in one entry (is a blank line missing?)")
            entry[field] = ast.literal_eval(m[2])
        else:
            raise ValueError(f"line {number}: not a line of a .po file: {line[:60]}")
    close()
    return found


@cache
def catalogue(lang: str) -> dict[Key, list[str]]:
    """All .po files of a language: locale/<lang>.po and locale/<lang>.*.po (a department may bring its own)."""
    merged: dict[Key, list[str]] = {}
    for path in sorted(LOCALE.glob(f"{lang}*.po")):
        merged.update(read_po(path.read_text("utf-8")))
    return merged


# ---- folding: how people search --------------------------------------------------------------------------------------

_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook above, dot below


def toned(text: str) -> str:
    """The same text with every syllable's tone moved to its end, lower case: hòa and hoà are one, hoá is another.
    For ranking exact matches first."""
    return " ".join([_tone_last(syllable) for syllable in text.split()])


@lru_cache(16_384)
def _tone_last(syllable: str) -> str:
    apart = unicodedata.normalize("NFD", syllable.casefold())
    tone = "".join(c for c in apart if c in _TONES)
    return unicodedata.normalize("NFC", "".join(c for c in apart if c not in _TONES) + tone)


def given_first(full: str) -> tuple[str, str]:
    """Sort key of a person: given (last) word, then the rest, folded. Vietnamese lists are sorted by given name."""
    *rest, given = full.split() or [""]
    return fold(given), fold(" ".join(rest))


# ---- one language ----------------------------------------------------------------------------------------------------

_WEEKDAYS = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


class Words:
    """Messages and forms of one language. Call it to translate: w("Name"), w("%(n)s new", n=3)."""

    def __init__(self, lang: str):
        self.lang = lang if lang in LANGUAGES else DEFAULT
        self._messages = catalogue(self.lang)

    def __call__(self, message: str, **values: object) -> str:
        forms = self._messages.get(("", message))
        text = forms[0] if forms else message
        return text % values if values else text

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """English has two forms, Vietnamese one. `n` is given to the message as %(n)s, in the language's digits."""
        forms = self._messages.get(("", one))
        text = forms[0] if forms else (one if n == 1 else many)
        return text % {"n": self.number(n), **values}

    # numbers

    def number(self, value: Number, digits: int | None = None) -> str:
        """1.234,5 in Vietnamese, 1,234.5 in English. `digits` fixes the decimals; without it they are kept as given."""
        if isinstance(value, float) and digits is None:
            value = Decimal(repr(round(value, 10)))
        d = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
        if not d.is_finite():
            return str(value)
        if digits is not None:
            d = round(d, digits)
        elif d == d.to_integral_value() and not isinstance(value, Decimal):
            d = d.quantize(Decimal(1))
        text = f"{d:,f}"
        if isinstance(value, Decimal) and digits is None and "." in text and abs(d) >= 1 and text.endswith(".0"):
            text = text.removesuffix(".0")
        text = text.replace("-", "−")
        return text if self.lang == "en" else text.translate(str.maketrans(",.", ".,"))

    def signed(self, value: Number, digits: int | None = None) -> str:
        """+0,4 or −9: a change since the value before."""
        text = self.number(value, digits)
        return "+" + text if value > 0 else text

    def money(self, dong: int | Decimal) -> str:
        """Vietnamese dong, no decimals: 1.234.567 đ (half a dong rounds away from zero)."""
        return self.number(int(Decimal(dong).quantize(Decimal(1), rounding="ROUND_HALF_UP"))) + "\u00a0đ"

    def size(self, octets: int) -> str:
        for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if octets >= step:
                return f"{self.number(octets / step, 1)} {unit}"
        return f"{self.number(octets)} B"

    # dates: Hanoi's wall clock

    def date(self, value: dt.date | datetime | str | None) -> str:
        """dd/mm/yyyy. A FHIR date may hold only a year or a month: 1953, 02/1953."""
        if not value:
            return ""
        if isinstance(value, str):
            if len(value) > 10:
                return self.date(parse_instant(value))
            return "/".join(reversed(value.split("-")))
        if isinstance(value, datetime):
            value = local(value)
        return f"{value:%d/%m/%Y}"

    def short_date(self, value: dt.date | datetime) -> str:
        """dd/mm, for places where the year is said beside it."""
        return f"{local(value) if isinstance(value, datetime) else value:%d/%m}"

    def time(self, value: datetime) -> str:
        """HH:MM, 24 h."""
        return f"{local(value):%H:%M}"

    def moment(self, value: datetime, now: datetime) -> str:
        """The clock time, and the day as far as it is needed: 06:10 | 20:15 yesterday | 14/11 08:00 | 14/11/2025."""
        t, n = local(value), local(now)
        days = (n.date() - t.date()).days
        if days == 0:
            return self.time(value)
        if days == 1:
            return self("%(time)s yesterday", time=self.time(value))
        if 1 < days < 300:
            return f"{t:%d/%m %H:%M}"
        return self.date(value)

    def weekday(self, value: dt.date | datetime) -> str:
        return _WEEKDAYS[self.lang][(local(value) if isinstance(value, datetime) else value).weekday()]

    def span(self, length: timedelta) -> str:
        """A length of time in its largest sensible unit: 40 min, 15 h, 8 days, 3 months, 5 years."""
        minutes = abs(int(length.total_seconds() // 60))
        if minutes < 60:
            return self("%(n)s min", n=minutes)
        if minutes < 48 * 60:
            return self.plural("%(n)s hour", "%(n)s hours", minutes // 60)
        days = minutes // 1440
        if days < 60:
            return self.plural("%(n)s day", "%(n)s days", days)
        if days < 730:
            return self.plural("%(n)s month", "%(n)s months", days // 30)
        return self.plural("%(n)s year", "%(n)s years", days // 365)

    def age(self, birth: dt.date | str | None, at: dt.date) -> str:
        """Days under one month, months under 72 months, then years. A birth of unknown day counts from what is known."""
        if not birth:
            return ""
        if isinstance(birth, str):
            parts = [int(p) for p in birth[:10].split("-")]
            if len(parts) == 1:
                return self("%(n)s y", n=max(at.year - parts[0], 0))
            birth = dt.date(parts[0], parts[1], parts[2] if len(parts) > 2 else 1)
        if birth > at:
            return ""
        months = (at.year - birth.year) * 12 + at.month - birth.month - (at.day < birth.day)
        if months < 1:
            return self.plural("%(n)s day", "%(n)s days", (at - birth).days)
        if months < 72:
            return self.plural("%(n)s month", "%(n)s months", months)
        return self("%(n)s y", n=months // 12)

    # people

    @staticmethod
    def name(full: str | None) -> Markup:
        """The given (last) name strong, family and middle name plain: what people are called and sorted by."""
        if full and full.startswith(NAMELESS):  # what is seen of somebody stands for the name
            return Markup('<span class="name"><b>{}</b>{}</span>').format(NAMELESS, full.removeprefix(NAMELESS))
        words_ = (full or "").split()
        if not words_:
            return Markup("")
        rest, given = " ".join(words_[:-1]), words_[-1]
        return Markup('<span class="name">{}<b>{}</b></span>').format(rest + " " if rest else "", given)

    def sex(self, code: str | None) -> str:
        """FHIR administrative-gender as a word."""
        return {"male": self("Male"), "female": self("Female"), "other": self("Other sex")}.get(code or "", "")

    def tail(self, identifier: str | None, keep: int = 4) -> str:
        """The end of an identifier: enough to recognise, too little to copy."""
        return f"…{identifier[-keep:]}" if identifier and len(identifier) > keep else (identifier or "")


@cache
def words(lang: str) -> Words:
    """The one Words of a language; an unknown language is Vietnamese."""
    return Words(lang)


def choose(wanted: str | None, accept_language: str | None = None) -> str:
    """What somebody chose, else what the browser asks for among ours, else Vietnamese."""
    if wanted in LANGUAGES:
        return str(wanted)
    ranked: list[tuple[float, str]] = []
    for part in (accept_language or "").split(","):
        tag, _, q = part.strip().partition(";q=")
        try:
            ranked.append((-float(q or 1), tag[:2].lower()))
        except ValueError:
            continue
    for _, tag in sorted(ranked, key=lambda r: r[0]):
        if tag in LANGUAGES:
            return tag
    return DEFAULT


def parse_instant(text: str) -> datetime:
    """A FHIR date, dateTime or instant as an aware moment: a missing part is its first, a missing zone is Hanoi.
    Raises ValueError."""
    if len(text) == 4:
        text += "-01-01"
    elif len(text) == 7:
        text += "-01"
    t = datetime.fromisoformat(text)
    return t if t.tzinfo else t.replace(tzinfo=HANOI)


def underline(text: str, terms: Iterable[str]) -> Markup:
    """The syllables of `text` that match a search term (folded, by prefix) in <mark>, the rest escaped."""
    keys = [fold(t) for t in terms if t.strip()]

    def pieces() -> Iterator[str]:
        for word in text.split():
            hit = any(fold(word).startswith(k) for k in keys)
            yield f"<mark>{escape(word)}</mark>" if hit else str(escape(word))

    return Markup(" ".join(pieces()))  # noqa: S704 - every piece is escaped


# ---- amounts in words (papers are in Vietnamese) -------------------------------------------------------------------------

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_THOUSANDS = ("", "nghìn", "triệu")


def _below_thousand(n: int, whole: bool) -> list[str]:
    """0 to 999. whole: hundreds are said even where there are none, because something stands before."""
    hundreds, tens, ones = n // 100, n // 10 % 10, n % 10
    out = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens == 0:
        out += ["linh", _DIGITS[ones]] if ones and out else [_DIGITS[ones]] if ones else []
    elif tens == 1:
        out += ["mười"] + (["lăm"] if ones == 5 else [_DIGITS[ones]] if ones else [])
    else:
        out += [_DIGITS[tens], "mươi"]
        out += ["mốt"] if ones == 1 else ["lăm"] if ones == 5 else [_DIGITS[ones]] if ones else []
    return out


def _below_billion(n: int, whole: bool) -> list[str]:
    out: list[str] = []
    for power in (2, 1, 0):
        part = n // 1000**power % 1000
        if part:
            out += _below_thousand(part, whole or bool(out))
            out += [_THOUSANDS[power]] if power else []
    return out


def in_words(dong: int) -> str:
    """An amount of dong as a receipt says it, in Vietnamese: 1234005 -> `Một triệu hai trăm ba mươi bốn nghìn không trăm linh năm
    đồng`."""
    left, parts = abs(dong), []
    while left:
        left, part = divmod(left, 10**9)
        parts.append(part)
    out: list[str] = []
    for power, part in reversed(list(enumerate(parts))):
        if part:
            out += _below_billion(part, bool(out)) + ["tỷ"] * power
    said = " ".join((["âm"] if dong < 0 else []) + (out or ["không"]) + ["đồng"])
    return said[0].upper() + said[1:]
