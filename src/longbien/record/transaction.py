"""A transaction Bundle's writes: resolved against each other and the store, then one commit. http://hl7.org/fhir/R4/http.html#trules

Order of meaning: deletes, creates, updates and patches; what a delete removes is not found by a condition. Reads are the
caller's, after `apply` and within the same `inside`. Everything is linear in the number of entries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from longbien.base.errors import Forbidden, Gone, Invalid, Issue, LongbienError, NotFound, PreconditionFailed
from longbien.base.ids import new_id
from longbien.fhir import references
from longbien.fhir.validate import validate

from . import conditional, patch
from .change import ANY, Change, Create, Delete, Manner, Resource, Stored, Update
from .inside import Q, lock
from .patch import Patch
from .store import Store
from .types import number, type_name

_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{1,63})\?(.+)\Z", re.S)
_REST = re.compile(r"(https?://\S+)/([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})\Z")
_AT_ONCE = 20
"""Resources validated before others get a turn."""
MOST_ISSUES = 200


class Write(NamedTuple):
    """One entry that writes. `at`: its place in the bundle. `id` None: create, or by `condition` (search parameters)."""

    at: int
    method: str
    type: str
    id: str | None = None
    condition: str | None = None
    resource: Resource | None = None
    full_url: str | None = None
    if_match: int | None = None
    only_new: bool = False
    patch: Patch | None = None

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.at}]"


class Done(NamedTuple):
    """`stored` None: a delete found nothing to delete, or several."""

    at: int
    stored: Stored | None


@dataclass
class _Plan:
    targets: dict[int, str] = field(default_factory=dict)
    """entry -> id that it writes to."""
    found: dict[int, str] = field(default_factory=dict)
    """entry -> id that its condition found."""
    deleted: dict[int, list[str]] = field(default_factory=dict)
    """entry -> ids that a delete takes away."""
    mapping: dict[str, str] = field(default_factory=dict)
    """reference as sent -> reference as stored."""


async def check(writes: Sequence[Write]) -> None:
    """Validate every resource. Raises Invalid (422) with every issue, each naming its entry. Others get their turn meanwhile."""
    wrong: list[Issue] = []
    for n, w in enumerate(writes):
        if w.resource is not None:
            found = [i for i in validate(w.resource) if i.severity in ("error", "fatal")]
            wrong += [_placed(i, w) for i in found]
        if len(wrong) >= MOST_ISSUES:
            break
        if n % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    if wrong:
        text = f"The bundle holds resources that are not valid: {wrong[0].text}"
        raise Invalid(text, issues=wrong[:MOST_ISSUES], status=422)


def _placed(issue: Issue, w: Write) -> Issue:
    inner = issue.expression.partition(".")[2]
    return issue._replace(expression=f"{w.place}.resource{'.' + inner if inner else ''}")


async def apply(within: Store, writes: Sequence[Write]) -> list[Done]:
    """Do all of `writes` (checked before) in the transaction of `within`. Gives one Done for each, in the order given. Raises
    Invalid, PreconditionFailed and what a commit raises; then nothing is done."""
    plan = _Plan()
    await _conditions(within, writes, plan)
    writes = await _patched(within, writes, plan)
    _allot(writes, plan)
    _no_twice(writes, plan)
    await _versions(within, writes, plan)
    done: dict[int, Stored | None] = dict.fromkeys(w.at for w in writes)
    for w in writes:
        if _only_found(w, plan):
            done[w.at] = (await within.read(w.type, plan.found[w.at]))._replace(changed=False)
    deletes = [(w.at, Delete(w.type, id, w.if_match)) for w in writes for id in plan.deleted.get(w.at, ())]
    ordered: list[tuple[int, Change]] = list(await _there(within, deletes))
    wanted = {w.at: _conditional_references(w) for w in writes}
    rounds = _rounds([w for w in writes if w.method != "DELETE" and done[w.at] is None], deletes, wanted)
    if len(rounds) > 1:  # several commits would take their locks in several orders
        await _hold(within, writes, plan)
    for n, group in enumerate(rounds):
        await _resolve(within, group, wanted, plan)
        ordered += [(w.at, _change(w, plan)) for w in group]
        later = frozenset((w.type, plan.targets[w.at]) for one in rounds[n + 1 :] for w in one)
        stored = await within.commit([c for _, c in ordered], Manner(checked=True, coming=later))
        done |= {at: s for (at, _), s in zip(ordered, stored, strict=True) if len(plan.deleted.get(at, ())) < 2}
        ordered = []
    return [Done(w.at, done[w.at]) for w in writes]


def _rounds(writes: list[Write], deletes: Sequence[tuple[int, Delete]], wanted: dict[int, dict[str, str]]) -> list[list[Write]]:
    """The writes in the order in which their conditional references can be resolved: these find what the bundle itself writes too
    ("5. Resolve any conditional references"), so what refers to a type waits for what writes that type. Nearly always one round."""
    needs = {at: {text.partition("?")[0] for text in texts} for at, texts in wanted.items() if texts}
    changed = {w.type for w in writes} | {d.type for _, d in deletes}
    rounds: list[list[Write]] = []
    left = writes
    while left or not rounds:
        ready = [w for w in left if not needs.get(w.at, set()) & changed] if needs else left
        if not ready and rounds:  # they wait for each other, or for their own type
            ready = left
        rounds.append(ready)
        taken = {w.at for w in ready}
        left = [w for w in left if w.at not in taken]
        changed = {w.type for w in left}
    return rounds


async def _patched(within: Store, writes: Sequence[Write], plan: _Plan) -> list[Write]:
    """Every patch as the update that it comes to. All rows that the bundle writes are held first, in one order, so that what is
    read here stays as it is. Raises NotFound, Gone, PreconditionFailed, Invalid."""
    if not any(w.patch for w in writes):
        return list(writes)
    await _hold(within, writes, plan)
    made = [await _update(within, w, w.patch, plan) if w.patch else w for w in writes]
    await check([w for w in made if w.patch])
    return made


async def _hold(within: Store, writes: Sequence[Write], plan: _Plan) -> None:
    """Nobody else may change what the bundle is about to change, until it is done."""
    targets = {(number(w.type), id) for w in writes for id in (w.id, plan.found.get(w.at), *plan.deleted.get(w.at, ())) if id}
    await within.engine.db.execute(Q.hold, [i for _, i in targets], list({t for t, _ in targets}))


async def _update(within: Store, w: Write, change: Patch, plan: _Plan) -> Write:
    with At(w):
        id = w.id or plan.found.get(w.at)
        if id is None:
            raise NotFound(f"No {w.type} matches the condition.")
        there = await within.read(w.type, id)
        if w.if_match not in (None, ANY, there.version):
            raise PreconditionFailed(f"{w.type}/{id} is at version {there.version}, not {w.if_match}.")
        resource = await patch.made(change, there.body)
    return w._replace(method="PUT", id=id, condition=None, resource=resource, if_match=there.version)


async def _conditions(within: Store, writes: Sequence[Write], plan: _Plan) -> None:
    """What each conditional entry finds. Locks all conditions first, so that no other request makes a match meanwhile."""
    asked: dict[int, tuple[Write, list[tuple[str, str]]]] = {}
    keys: dict[int, Write] = {}
    for w in writes:
        if w.condition is None:
            continue
        with At(w):
            params = conditional.criteria(w.condition)
        key = conditional.key(w.type, params)
        if key in keys:
            text = f"The condition of this entry is that of {keys[key].place} too."
            raise Invalid(text, issues=[Issue("error", "invariant", text, w.place)])
        keys[key] = w
        asked[w.at] = (w, params)
    if not asked:
        return
    await lock(within, keys)
    deleted: set[tuple[str, str | None]] = {(w.type, w.id) for w in writes if w.method == "DELETE" and w.id}
    for at, (w, params) in asked.items():
        if w.method == "DELETE":
            with At(w):
                plan.deleted[at] = await conditional.all_of(within, w.type, params)
                if w.if_match is not None and len(plan.deleted[at]) > 1:
                    raise PreconditionFailed(f"Several {w.type} resources match, so ifMatch cannot mean one of them.")
            deleted |= {(w.type, id) for id in plan.deleted[at]}
    for at, (w, params) in asked.items():
        if w.method == "DELETE":
            continue
        with At(w):
            ids = await conditional.matches(within, w.type, params, most=2 + min(len(deleted), 998))
            left = [i for i in ids if (w.type, i) not in deleted]
            if len(left) > 1:
                raise PreconditionFailed(f"Several {w.type} resources match the condition.", code="multiple-matches")
        if left:
            plan.found[at] = left[0]


def _allot(writes: Sequence[Write], plan: _Plan) -> None:
    """An id for every entry, and how its fullUrl reads from now on."""
    relative: dict[str, set[str]] = {}
    seen: dict[str, Write] = {}
    for w in writes:
        if w.method == "DELETE":
            plan.deleted.setdefault(w.at, [w.id] if w.id else [])
            continue
        given = w.resource.get("id") if w.resource and w.method == "PUT" else None
        target = w.id or plan.found.get(w.at) or (given if isinstance(given, str) else None) or new_id()
        plan.targets[w.at] = target
        if w.full_url is None:
            continue
        if w.full_url in seen:
            text = f"fullUrl {w.full_url[:100]!r} stands twice, in {seen[w.full_url].place} and {w.place}."
            raise Invalid(text, issues=[Issue("error", "invariant", text, f"{w.place}.fullUrl")])
        seen[w.full_url] = w
        plan.mapping[w.full_url] = f"{w.type}/{target}"
        if address := _REST.match(w.full_url):
            relative.setdefault(f"{address[2]}/{address[3]}", set()).add(f"{w.type}/{target}")
    # A relative reference means the entry at the same base: http://hl7.org/fhir/R4/bundle.html#references
    for name, meant in relative.items():
        if len(meant) == 1 and name not in meant:
            plan.mapping[name] = meant.pop()


def _conditional_references(w: Write) -> dict[str, str]:
    """Patient?identifier=... -> where it stands first."""
    found: dict[str, str] = {}
    for _, _, text, expression in references.each(w.resource) if w.resource is not None else ():
        if text not in found and (m := _CONDITIONAL.match(text)) and number(m[1]) is not None:
            found[text] = expression
    return found


async def _resolve(within: Store, group: Sequence[Write], wanted: dict[int, dict[str, str]], plan: _Plan) -> None:
    """Every conditional reference must find exactly one resource: of the store, or written by this bundle before."""
    for w, text, expression in ((one, t, e) for one in group for t, e in wanted[one.at].items()):
        if text in plan.mapping:
            continue
        type_, _, query = text.partition("?")
        with At(w):
            params = conditional.criteria(query)
            ids = await conditional.matches(within, type_, params)
        if len(ids) != 1:
            how = "Several resources match" if ids else "Nothing matches"
            said = f"{how} the conditional reference {text[:200]!r}."
            code = "multiple-matches" if ids else "not-found"
            place = f"{w.place}.resource.{expression.partition('.')[2]}.reference"
            raise PreconditionFailed(said, issues=[Issue("error", code, said, place)])
        plan.mapping[text] = f"{type_}/{ids[0]}"


async def _versions(within: Store, writes: Sequence[Write], plan: _Plan) -> None:
    """A reference to a version of an entry becomes one to the version that this bundle writes ("version-specific references should
    remain as version-specific references after the references have been updated")."""
    texts = {t for w in writes if w.resource for _, _, t, _ in references.each(w.resource) if "/_history/" in t}
    meant = {t: plan.mapping[bare] for t in texts if (bare := t.partition("/_history/")[0]) in plan.mapping}
    if not meant:
        return
    ids, types = [m.partition("/")[2] for m in meant.values()], {number(m.partition("/")[0]) for m in meant.values()}
    await within.engine.db.execute(Q.hold, ids, list(types))
    rows = await within.engine.db.fetch(Q.versions, ids, list(types))
    newest = {f"{type_name(r['type'])}/{r['id']}": r["ver"] for r in rows}
    written = {f"{w.type}/{plan.targets[w.at]}" for w in writes if w.method != "DELETE" and not _only_found(w, plan)}
    for text, target in meant.items():
        plan.mapping[text] = f"{target}/_history/{newest.get(target, 0) + (target in written)}"


def _only_found(w: Write, plan: _Plan) -> bool:
    return w.method == "POST" and w.at in plan.found


def _change(w: Write, plan: _Plan) -> Change:
    target = plan.targets[w.at]
    assert w.resource is not None  # by the caller
    resource = references.rewrite(w.resource, plan.mapping)
    if w.method == "POST":
        return Create(resource, id=target)
    if w.condition is None:
        return Update(resource, w.if_match, only_new=w.only_new)
    with At(w):
        change = conditional.replacing(resource, plan.found.get(w.at), w.if_match)
    return Create(resource, id=target) if isinstance(change, Create) else change


def _no_twice(writes: Sequence[Write], plan: _Plan) -> None:
    """No resource may be written by two entries. What a conditional create only found may be written by another."""
    seen: dict[tuple[str, str], Write] = {}
    for w in writes:
        if _only_found(w, plan):
            continue
        for target in plan.deleted[w.at] if w.method == "DELETE" else [plan.targets[w.at]]:
            other = seen.setdefault((w.type, target), w)
            if other is not w:
                text = f"{w.type}/{target} is written twice, by {other.place} and {w.place}."
                raise Invalid(text, issues=[Issue("error", "invariant", text, w.place)])


async def _there(within: Store, deletes: list[tuple[int, Delete]]) -> list[tuple[int, Delete]]:
    """Those deletes that have something to delete (that there is nothing is no fault)."""
    if not deletes:
        return []
    sql, args = within._with_scope(Q.existing, [d.id for _, d in deletes], list({number(d.type) for _, d in deletes}))
    there = {(type_name(r["type"]), r["id"]) for r in await within.engine.db.fetch(sql, *args)}
    if not within.scope.unlimited:
        for d in (d for _, d in deletes if (d.type, d.id) not in there):
            # What is hidden answers as what is not there; the trail tells them apart.
            with suppress(NotFound, Gone, Forbidden):
                await within.read(d.type, d.id)
    return [(at, d) for at, d in deletes if (d.type, d.id) in there]


class At:
    """Names the entry in every fault that the block raises."""

    def __init__(self, w: Write):
        self.w = w

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, LongbienError):
            error.issues = tuple(i._replace(expression=i.expression or f"{self.w.place}.request") for i in error.issues)
