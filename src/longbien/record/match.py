"""Is this person here already? Candidates by what identifies people, scored by how much agrees. Pure, but for `match`.

Names repeat in Vietnam more than elsewhere: a name, a birth date and a gender that agree make somebody probable, never certain.
Only a number that one person alone has (the same system and value) makes certain, and only where name or birth date do not speak
against it. The grades are those of http://hl7.org/fhir/R4/codesystem-match-grade.html"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from longbien.base.fold import fold
from longbien.fhir import json

from .page import Entry
from .store import Store

MOST = 50
CERTAIN, PROBABLE, POSSIBLE = "certain", "probable", "possible"


class Match(NamedTuple):
    entry: Entry
    score: float
    grade: str


def _identifiers(p: dict[str, Any]) -> set[tuple[str, str]]:
    listed = p.get("identifier") or ()
    return {(str(i["system"]), str(i["value"])) for i in listed if i.get("system") and i.get("value")}


def _phones(p: dict[str, Any]) -> set[str]:
    found = {
        "".join(c for c in str(t.get("value", "")) if c.isdigit()) for t in p.get("telecom") or () if t.get("system") == "phone"
    }
    return {"0" + f[2:] if f.startswith("84") else f for f in found if len(f) >= 7}


def _names(p: dict[str, Any]) -> set[frozenset[str]]:
    """Each name as its folded words, in no order (family names come first here and last elsewhere)."""
    found = set()
    for n in p.get("name") or ():
        words = " ".join([str(n.get("family", "")), *map(str, n.get("given") or ())]).strip() or str(n.get("text", ""))
        if words:
            found.add(frozenset(fold(words).split()))
    return found


def _alike(a: Iterable[frozenset[str]], b: Iterable[frozenset[str]]) -> float:
    """The best agreement of any two names: shared words over all words."""
    return max((len(x & y) / len(x | y) for x in a for y in b if x | y), default=0.0)


def score(asked: dict[str, Any], there: dict[str, Any]) -> tuple[float, str]:
    """0 to 1, and the grade."""
    mine, theirs = _names(asked), _names(there)
    name = _alike(mine, theirs)
    born = asked.get("birthDate"), there.get("birthDate")
    same_day = bool(born[0]) and born[0] == born[1]
    against = (bool(mine and theirs) and name < 0.34) or (bool(born[0] and born[1]) and not _could_be(*born))
    if _identifiers(asked) & _identifiers(there):
        return (0.6, POSSIBLE) if against else (1.0, CERTAIN)
    gender = bool(asked.get("gender")) and asked.get("gender") == there.get("gender")
    phone = bool(_phones(asked) & _phones(there))
    total = round(0.45 * name + 0.3 * same_day + 0.15 * phone + 0.05 * gender, 3)
    if against and not phone:
        total = min(total, 0.4)
    return total, PROBABLE if total >= 0.75 else POSSIBLE


def _could_be(a: Any, b: Any) -> bool:
    """Of one of them only the year or the month may be known."""
    one, other = str(a), str(b)
    return one.startswith(other) or other.startswith(one)


async def match(store: Store, asked: dict[str, Any], count: int, only_certain: bool) -> list[Match]:
    """Best first; what scores under a half is left out."""
    found: dict[str, Entry] = {}
    for params in _questions(asked):
        page = await store.search("Patient", [*params, ("_count", str(MOST))], handling="strict")
        found |= {e.id: e for e in page.matches}
    scored = [Match(e, *score(asked, json.loads(e.body, strict=False))) for e in found.values()]
    kept = [m for m in scored if (m.grade == CERTAIN if only_certain else m.score >= 0.5)]
    if only_certain and len(kept) > 1:  # one person cannot be two: then nobody is certain
        return []
    return sorted(kept, key=lambda m: (-m.score, m.entry.id))[:count]


def _questions(asked: dict[str, Any]) -> list[list[tuple[str, str]]]:
    def plain(text: str) -> str:
        return text.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")

    made = [[("identifier", f"{plain(s)}|{plain(v)}")] for s, v in sorted(_identifiers(asked))[:10]]
    born = asked.get("birthDate")
    names = sorted({w for words in _names(asked) for w in words})[:6]
    if names and isinstance(born, str):
        made.append([*(("name", plain(w)) for w in names[:4]), ("birthdate", born)])
        made.append([("name", plain(max(names, key=len))), ("birthdate", born)])
    elif names:
        made.append([("name", plain(w)) for w in names])
    phones = [str(t["value"]) for t in asked.get("telecom") or () if t.get("system") == "phone" and t.get("value")]
    made += [[("phone", plain(text))] for text in phones[:3]]
    return made
