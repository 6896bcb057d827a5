"""What searches ask of terminology: the codes of a value set, and which codes stand below or above another one
(R4 search.html#token: :in, :not-in, :below, :above).

`Terminology` is the seam. `Stored` answers from the value sets of the specification, and from ValueSet and CodeSystem resources in
the record that list their concepts; what cannot be listed is refused, never answered in part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from longbien.base.errors import Invalid
from longbien.base.ids import key64
from longbien.fhir import definitions, json
from longbien.record.types import number

if TYPE_CHECKING:
    from longbien.record.engine import Engine

Codes = set[tuple[str, str]]
"""(system, code)."""
DEEPEST = 8
"""Value sets that include value sets."""
_KEPT = 16


class Terminology(Protocol):
    async def codes_in(self, value_set: str) -> Codes:
        """The codes of a value set ('url' or 'url|version'). Raises Invalid where it is not known or cannot be listed."""

    async def below(self, system: str, code: str) -> Codes:
        """The code and every code that it subsumes. Raises Invalid where the system or the code is not known."""

    async def above(self, system: str, code: str) -> Codes:
        """The code and every code that subsumes it. Raises Invalid as `below` does."""


def _parents(concepts: Any, parent: str | None = None) -> Iterator[tuple[str, str | None]]:
    """(code, parent) by nesting, and by the `parent` property where one is given."""
    for concept in concepts or ():
        code = concept.get("code")
        if not code:
            continue
        yield code, parent
        for p in concept.get("property") or ():
            if p.get("code") in ("parent", "subsumedBy") and (p.get("valueCode") or p.get("valueCoding")):
                yield code, p.get("valueCode") or p["valueCoding"].get("code")
        yield from _parents(concept.get("concept"), code)


class Tree:
    """The codes of a code system, and who stands above whom."""

    def __init__(self, concepts: Any):
        self.up: dict[str, set[str]] = {}
        self.down: dict[str, set[str]] = {}
        for code, parent in _parents(concepts):
            self.up.setdefault(code, set())
            if parent:
                self.up[code].add(parent)
                self.down.setdefault(parent, set()).add(code)

    def walk(self, code: str, way: dict[str, set[str]]) -> set[str]:
        found, todo = {code}, [code]
        while todo:
            new = way.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found


class Stored:
    def __init__(self, engine: Engine):
        self._engine = engine
        self._trees: dict[tuple[int, int], Tree] = {}

    async def codes_in(self, value_set: str) -> Codes:
        return await self._codes_in(value_set, ())

    async def below(self, system: str, code: str) -> Codes:
        tree = await self._known(system, code)
        return {(system, c) for c in tree.walk(code, tree.down)}

    async def above(self, system: str, code: str) -> Codes:
        tree = await self._known(system, code)
        return {(system, c) for c in tree.walk(code, tree.up)}

    async def _known(self, system: str, code: str) -> Tree:
        tree = await self._tree(system)
        if tree is None:
            raise Invalid(f"The hierarchy of code system {system[:200]!r} is not known here.", code="not-supported")
        if code not in tree.up:
            raise Invalid(f"{code[:100]!r} is no code of {system[:200]!r}.", code="not-found")
        return tree

    async def _resource(self, type_: str, canonical: str) -> tuple[tuple[int, int], dict[str, Any]] | None:
        """The definition with this url: the version that is named, else an active one, the newest. It is about nobody."""
        url, _, version = canonical.partition("|")
        sql = """SELECT h.rid, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
                 WHERE h.terms @> ARRAY[$1::int8] AND h.type = $2 AND h.pat IS NULL AND NOT h.deleted LIMIT 50"""
        rows = await self._engine.db.fetch(sql, key64(f"{type_}.url|{url}"), number(type_), search=True)
        bodies = await self._engine.unpack_all([r["body"] for r in rows])
        found = [((r["rid"], r["ver"]), json.loads(b)) for r, b in zip(rows, bodies, strict=True)]
        if version:
            found = [f for f in found if f[1].get("version") == version]
        return max(found, key=lambda f: (f[1].get("status") == "active", str(f[1].get("version", ""))), default=None)

    async def _tree(self, system: str) -> Tree | None:
        found = await self._resource("CodeSystem", system)
        if found is None or found[1].get("content") not in ("complete", "fragment"):
            return None
        tree = self._trees.get(found[0])
        if tree is None:
            if len(self._trees) >= _KEPT:
                self._trees.clear()
            tree = self._trees[found[0]] = Tree(found[1].get("concept"))
        return tree

    async def _codes_in(self, url: str, inside: tuple[str, ...]) -> Codes:
        if url in inside or len(inside) >= DEEPEST:
            raise Invalid(f"Value set {url[:200]!r} includes itself, or too many others.")
        found = await self._resource("ValueSet", url)
        if found is None:
            listed = definitions.value_set(url.split("|")[0])
            if listed is None:
                raise Invalid(f"Value set {url[:200]!r} is not known here, or cannot be listed.", code="not-found")
            return {(system, c) for system, codes in listed.items() for c in codes}
        compose = found[1].get("compose")
        if not compose:
            return set(_contains((found[1].get("expansion") or {}).get("contains")))
        codes: Codes = set()
        for part in compose.get("include") or ():
            codes |= await self._part(url, part, inside)
        for part in compose.get("exclude") or ():
            codes -= await self._part(url, part, inside)
        return codes

    async def _part(self, url: str, part: dict[str, Any], inside: tuple[str, ...]) -> Codes:
        """One include: what the system part and every value set of it have in common."""
        sets = [await self._codes_in(u, (*inside, url)) for u in part.get("valueSet") or ()]
        if "system" in part:
            sets.append({(part["system"], c) for c in await self._of_system(url, part)})
        return set.intersection(*sets) if sets else set()

    async def _of_system(self, url: str, part: dict[str, Any]) -> set[str]:
        system = part["system"]
        if part.get("concept"):
            return {c["code"] for c in part["concept"] if c.get("code")}
        tree = await self._tree(system)
        codes: set[str] = set(tree.up) if tree else set(definitions.codes(system) or ())
        if not codes:
            raise Invalid(f"Value set {url[:200]!r} cannot be listed: code system {system[:200]!r} is not known here.")
        for f in part.get("filter") or ():
            codes &= self._filtered(url, tree, f)
        return codes

    def _filtered(self, url: str, tree: Tree | None, f: dict[str, Any]) -> set[str]:
        op, value = f.get("op"), str(f.get("value", ""))
        if tree is None or op not in ("is-a", "descendent-of", "is-not-a") or f.get("property") not in ("concept", "code"):
            raise Invalid(f"Value set {url[:200]!r} cannot be listed: filter {op!r} is not supported.", code="not-supported")
        below = tree.walk(value, tree.down)
        return set(tree.up) - below if op == "is-not-a" else below - {value} if op == "descendent-of" else below


def _contains(listed: Any) -> Iterator[tuple[str, str]]:
    for c in listed or ():
        if c.get("system") and c.get("code") and not c.get("abstract"):
            yield c["system"], c["code"]
        yield from _contains(c.get("contains"))
