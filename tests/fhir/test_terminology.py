"""The algebra of terminology on the specification's own code systems and value sets, and on small made ones."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longbien.base.errors import Invalid
from longbien.fhir import definitions
from longbien.fhir.terminology import compose, concepts, expansion, maps, ucum
from longbien.fhir.terminology.expansion import Wishes
from longbien.fhir.terminology.grammars import SYSTEMS
from longbien.fhir.terminology.library import Library, split


@cache
def specified(url: str) -> Any:
    raw = definitions.defined("codesystems", url)
    return concepts.read(raw) if raw else SYSTEMS.get(url)


def library_for(value_set: dict[str, Any], systems: dict[str, Any] | None = None, sets: dict[str, Any] | None = None) -> Library:
    """All that a value set needs, from the specification and from what is given."""
    library, todo = Library(), [value_set]
    while todo:
        wanted = library.wanted(todo.pop())
        for canonical in wanted.systems:
            library.systems[canonical] = (systems or {}).get(canonical) or specified(canonical) or specified(split(canonical)[0])
        for canonical in wanted.value_sets - library.value_sets.keys():
            found = (sets or {}).get(canonical) or definitions.defined("compositions", split(canonical)[0])
            library.value_sets[canonical] = found
            todo += [found] if found else []
    return library


def codes(value_set: dict[str, Any], **more: Any) -> set[tuple[str, str]]:
    return set(compose.members(library_for(value_set, **more), value_set))


def includes(*parts: dict[str, Any], exclude: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "compose": {"include": list(parts), **({"exclude": exclude} if exclude else {}), **more}}


def required() -> list[str]:
    bound = set()
    for name in definitions.structure_names():
        for e in definitions.structure(name).elements.values():
            if e.binding and e.binding[0] == "required":
                bound.add(e.binding[1])
    return sorted(u for u in bound if definitions.value_set(u) is not None)


def test_every_value_set_that_can_be_listed_has_the_codes_that_the_definitions_say() -> None:
    assert len(required()) > 200
    for url in definitions.table("valuesets"):
        value_set = definitions.defined("compositions", url)
        assert value_set is not None
        expected = {(s, c) for s, listed in (definitions.value_set(url) or {}).items() for c in listed}
        assert codes(value_set) == expected, url


def test_what_is_listed_is_held_and_what_is_not_is_not() -> None:
    for url in required():
        value_set = definitions.defined("compositions", url)
        assert value_set is not None
        library = library_for(value_set)
        listed = set(compose.members(library, value_set))
        library.left = 10**9
        for system in {s for s, _ in listed}:
            every = set(specified(system).concepts) if specified(system) else set()
            for code in sorted(every | {c for s, c in listed if s == system} | {"no-such-code"})[:300]:
                assert compose.holds(library, value_set, system, code).answer is ((system, code) in listed), (url, code)


ICD = "urn:icd"
TREE: dict[str, Any] = {
    "resourceType": "CodeSystem", "url": ICD, "version": "2020", "language": "vi", "content": "complete", "status": "active",
    "property": [{"code": "sex", "type": "string"}],
    "concept": [
        {"code": "I", "display": "Bệnh nhiễm trùng", "property": [{"code": "notSelectable", "valueBoolean": True}], "concept": [
            {"code": "A00", "display": "Bệnh tả", "designation": [{"language": "en", "value": "Cholera"}], "concept": [
                {"code": "A00.0", "display": "Bệnh tả typ cổ điển"},
                {"code": "A00.9", "display": "Bệnh tả, không đặc hiệu", "property": [{"code": "sex", "valueString": "F"}]}]},
            {"code": "A01", "display": "Thương hàn", "property": [{"code": "status", "valueCode": "retired"}]}]},
        {"code": "Đ1", "display": "Đái tháo đường", "designation": [{"language": "en-GB", "value": "Diabetes mellitus"}]},
        {"code": "D2", "display": "Thing", "property": [{"code": "parent", "valueCode": "Đ1"}]},
    ],
}  # fmt: skip
SYSTEM = concepts.read(TREE)


def icd(value_set: dict[str, Any], **more: Any) -> set[str]:
    return {c for _, c in codes(value_set, systems={ICD: SYSTEM}, **more)}


def filtered(op: str, value: str, property: str = "concept") -> dict[str, Any]:
    return includes({"system": ICD, "filter": [{"property": property, "op": op, "value": value}]})


@pytest.mark.parametrize(
    ("op", "property", "value", "expected"),
    [
        ("is-a", "concept", "A00", {"A00", "A00.0", "A00.9"}),
        ("descendent-of", "concept", "A00", {"A00.0", "A00.9"}),
        ("is-not-a", "concept", "I", {"Đ1", "D2"}),
        ("generalizes", "concept", "A00.9", {"I", "A00", "A00.9"}),
        ("is-a", "concept", "Đ1", {"Đ1", "D2"}),
        ("=", "sex", "F", {"A00.9"}),
        ("=", "parent", "A00", {"A00.0", "A00.9"}),
        ("in", "code", "A00, D2", {"A00", "D2"}),
        ("not-in", "code", "A00,A00.0,A00.9,I,A01", {"Đ1", "D2"}),
        ("exists", "sex", "true", {"A00.9"}),
        ("exists", "sex", "false", {"I", "A00", "A00.0", "A01", "Đ1", "D2"}),
        ("regex", "code", r"A0[01]", {"A00", "A01"}),
        ("regex", "display", "Bệnh tả.*", {"A00", "A00.0", "A00.9"}),
    ],
)
def test_filters(op: str, property: str, value: str, expected: set[str]) -> None:
    assert icd(filtered(op, value, property)) == expected


@pytest.mark.parametrize(
    "value_set",
    [
        filtered("like", "A"), filtered("is-a", "Z99"), filtered("=", "x", "nonsense"), filtered("regex", "(", "code"),
        filtered("exists", "perhaps", "sex"), filtered("is-a", "A00", "sex"), filtered("regex", "x" * 3000, "code"),
        includes({"system": ICD, "filter": [{"op": "="}]}), includes({}), includes({"system": "urn:nowhere"}),
        includes({"valueSet": ["urn:nowhere"]}), includes({"system": "http://unitsofmeasure.org"}),
        includes({"system": "http://snomed.info/sct"}), {"compose": {"include": "x"}}, {"compose": [1]},
        {"compose": {"include": [{"system": 1}]}}, {"compose": {"include": [{"system": ICD, "concept": [{"code": 1}]}]}},
        includes({"system": ICD, "concept": [{"code": "A00", "designation": [{"value": 1}]}]}),
        {"expansion": {"total": 5, "contains": [{"system": ICD, "code": "A00"}]}},
    ],
)  # fmt: skip
def test_what_cannot_be_listed_is_refused_with_a_reason(value_set: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        icd(value_set)
    assert refused.value.status in (400, 422)


def test_a_wicked_regular_expression_costs_nothing() -> None:
    began = time.process_time()
    long = concepts.read({"url": ICD, "concept": [{"code": "a" * 5000 + str(n)} for n in range(20)]})
    value_set = includes({"system": ICD, "filter": [{"property": "code", "op": "regex", "value": "(a|aa|a*)*b"}]})
    assert codes(value_set, systems={ICD: long}) == set()
    assert time.process_time() - began < 2  # a backtracking matcher would not come back at all


def test_imports_meet_and_circles_are_refused() -> None:
    one, other = filtered("is-a", "A00"), includes({"system": ICD, "concept": [{"code": "A00.9"}, {"code": "D2"}]})
    sets = {"urn:one": one, "urn:other": other}
    assert icd(includes({"valueSet": ["urn:one", "urn:other"]}), sets=sets) == {"A00.9"}
    assert icd(includes({"system": ICD, "valueSet": ["urn:one"]}), sets=sets) == {"A00", "A00.0", "A00.9"}
    assert icd(includes({"valueSet": ["urn:one"]}, exclude=[{"valueSet": ["urn:other"]}]), sets=sets) == {"A00", "A00.0"}
    loop = {"urn:a": includes({"valueSet": ["urn:b"]}), "urn:b": includes({"valueSet": ["urn:a"]})}
    with pytest.raises(Invalid, match="includes itself"):
        icd(loop["urn:a"], sets=loop)
    with pytest.raises(Invalid, match="includes itself"):
        compose.holds(library_for(loop["urn:a"], sets=loop), loop["urn:a"], ICD, "A00")


def test_work_is_bounded() -> None:
    greedy = includes(*[{"system": ICD, "filter": [{"property": "code", "op": "exists", "value": "true"}]}] * 200_000)
    with pytest.raises(Invalid, match="steps") as refused:
        icd(greedy)
    assert refused.value.code == "too-costly"


def test_inactive_codes_go_where_the_value_set_says_so() -> None:
    assert "A01" in icd(includes({"system": ICD}))
    without = includes({"system": ICD}, inactive=False)
    assert "A01" not in icd(without)
    library = library_for(without, systems={ICD: SYSTEM})
    assert compose.holds(library, without, ICD, "A01").answer is False
    assert compose.holds(library, without, ICD, "A00").answer is True


def test_words_find_with_and_without_tones_codes_first() -> None:
    members = compose.members(library_for(v := includes({"system": ICD}), systems={ICD: SYSTEM}), v)

    def found(text: str) -> list[str]:
        return [m.concept.code for m in expansion.matching(members, text)]

    assert found("benh ta")[0] == "A00"
    assert found("bệnh tả") == found("benh ta")
    assert found("dai thao") == ["Đ1"] == found("diabet")
    assert found("a00")[:1] == ["A00"]
    assert found("a00.9") == ["A00.9"]
    assert found("zzz") == []
    assert [m.concept.code for m in expansion.kept(members.every, Wishes(active_only=True, selectable_only=True))] == [
        "A00", "A00.0", "A00.9", "Đ1", "D2"]  # fmt: skip
    entry = expansion.contains(members.every[1], Wishes("en", True))
    assert entry["display"] == "Cholera"
    assert {"language": "vi", "value": "Bệnh tả"} in entry["designation"]


def test_a_fragment_does_not_make_a_code_wrong() -> None:
    part = concepts.read(TREE | {"content": "fragment"})
    v = includes({"system": ICD})
    library = library_for(v, systems={ICD: part})
    assert compose.holds(library, v, ICD, "A00").answer is True
    unsure = compose.holds(library, v, ICD, "Z00")
    assert unsure.answer is None
    assert unsure.lenient
    nowhere = compose.holds(library_for(w := includes({"system": "http://snomed.info/sct"})), w, "http://snomed.info/sct", "1")
    assert nowhere.answer is None
    assert not nowhere.lenient


def test_a_hierarchy_that_bites_its_tail_ends() -> None:
    ring = [
        {"code": c, "property": [{"code": "parent", "valueCode": p}]} for c, p in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"))
    ]
    system = concepts.read({"url": ICD, "concept": ring})
    assert system.below("a") == {"a", "b", "c"} == system.above("b")
    assert system.above("d") == {"d"}


def test_a_code_system_without_case() -> None:
    system = concepts.read(TREE | {"caseSensitive": False})
    v = includes({"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "a00"}]})
    library = library_for(v, systems={ICD: system})
    assert compose.holds(library, v, ICD, "a00.9").answer is True
    assert compose.holds(library, v, ICD, "d2").answer is False


# --- expand and validate-code agree, whatever the value set

CODES = st.sampled_from(["I", "A00", "A00.0", "A00.9", "A01", "Đ1", "D2", "Z"])
LEAF = st.builds(
    lambda c: {"system": ICD, "concept": [{"code": x} for x in c]}, st.lists(CODES.filter("Z".__ne__), min_size=1, max_size=3)
)
FILTER = st.builds(
    lambda op, v: {"property": "concept", "op": op, "value": v},
    st.sampled_from(["is-a", "descendent-of", "is-not-a", "generalizes", "=", "in", "not-in"]),
    CODES.filter("Z".__ne__),
)
PART = st.one_of(
    LEAF,
    st.builds(lambda f: {"system": ICD, "filter": f}, st.lists(FILTER, max_size=2)),
    st.builds(lambda s: {"valueSet": s}, st.lists(st.sampled_from(["urn:x", "urn:y"]), min_size=1, max_size=2)),
    st.builds(lambda f: {"system": ICD, "filter": [f], "valueSet": ["urn:x"]}, FILTER),
)
SETS = st.builds(
    lambda i, e, a: includes(*i, exclude=e, **({} if a is None else {"inactive": a})),
    st.lists(PART, min_size=1, max_size=3), st.lists(PART, max_size=2), st.sampled_from([None, True, False]),
)  # fmt: skip
FLAT = st.builds(
    lambda i, e: includes(*i, exclude=e), st.lists(LEAF, min_size=1, max_size=2),
    st.lists(st.builds(lambda f: {"system": ICD, "filter": [f]}, FILTER), max_size=1),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(SETS, FLAT, FLAT)
def test_listing_and_asking_agree(value_set: dict[str, Any], x: dict[str, Any], y: dict[str, Any]) -> None:
    library = library_for(value_set, systems={ICD: SYSTEM}, sets={"urn:x": x, "urn:y": y})
    listed = compose.members(library, value_set)
    for code in [*SYSTEM.concepts, "Z"]:
        assert compose.holds(library, value_set, ICD, code).answer is ((ICD, code) in listed)


# --- UCUM, and the other grammars


def test_the_common_units_are_units_but_for_those_with_a_space() -> None:
    common = definitions.defined("compositions", "http://hl7.org/fhir/ValueSet/ucum-common")
    assert common is not None
    units = [c["code"] for c in common["compose"]["include"][0]["concept"]]
    assert len(units) > 1300
    assert {u for u in units if ucum.display(u) is None} == {u for u in units if " " in u}  # UCUM forbids blanks (§2)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("mg/dL", "milligram per deciliter"), ("mm[Hg]", "millimeter of mercury column"), ("kg/m2", "kilogram per square meter"),
        ("/min", "per minute"), ("k[IU]/mL", "kilointernational unit per milliliter"), ("{x}", "(x)"), ("1", "1"),
        ("mL/min/{1.73_m2}", "milliliter per minute per (1.73 m2)"),
        ("10*9/L", "the number ten for arbitrary powers to the power 9 per liter"),
    ],
)  # fmt: skip
def test_units_have_names(code: str, name: str) -> None:
    assert ucum.display(code) == name


@pytest.mark.parametrize(
    "code",
    ["", "mgg", "foo", "m//s", "m.", "(m", "m)", "m{x}2", "kmin", "m s", "mg/", "[foo]", "{a", "a}", "{a{b}}", "mđ", "k%",
     "(" * 200 + "m" + ")" * 200,
     "m" * 300, "." * 50, "\x00", "m\n", "2[degF"],
)  # fmt: skip
def test_what_is_no_unit(code: str) -> None:
    assert ucum.display(code) is None


@given(st.text("mgLk/.(){}[]0123456789*'^%+-", max_size=30))
def test_any_text_is_a_unit_or_not(text: str) -> None:
    ucum.display(text)


def test_languages_and_media_types() -> None:
    languages, media = SYSTEMS["urn:ietf:bcp:47"], SYSTEMS["urn:ietf:bcp:13"]
    assert all(languages.find(c) for c in ("vi", "en-US", "zh-Hant-TW", "de-CH-1996", "vi-x-khongdau"))
    assert not any(languages.find(c) for c in ("", "v", "vi_VN", "vi-", "123", "en US"))
    assert all(media.find(c) for c in ("application/fhir+json", "text/plain; charset=utf-8", "image/*".replace("*", "png")))
    assert not any(media.find(c) for c in ("", "text", "text/", "/plain", "text/plain;", "a b/c"))


# --- maps


def test_the_specifications_own_maps() -> None:
    found = definitions.defined("conceptmaps", "http://hl7.org/fhir/ConceptMap/101")
    assert found is not None
    use, v3 = "http://hl7.org/fhir/address-use", "http://terminology.hl7.org/CodeSystem/v3-AddressUse"
    (home,) = maps.translate(found, maps.Coded(use, "home"))
    assert (home.equivalence, home.concept) == ("equivalent", {"system": v3, "code": "H", "display": "home"})
    (back,) = maps.translate(found, maps.Coded(v3, "H"), reverse=True)
    assert back.concept is not None
    assert back.concept["code"] == "home"
    (rest,) = maps.translate(found, maps.Coded(use, "new"))
    assert (rest.equivalence, rest.concept) == ("inexact", {"system": v3, "code": "temp", "display": "temp"})
    assert list(maps.translate(found, maps.Coded("urn:x", "home"))) == []


def test_a_map_may_depend_and_hand_over_but_not_in_circles() -> None:
    target = {"code": "2", "equivalence": "wider", "dependsOn": [{"property": "urn:p", "value": "v"}],
              "product": [{"property": "urn:q", "system": "urn:s", "value": "w"}]}  # fmt: skip
    group = {"source": "a", "target": "b", "element": [{"code": "1", "target": [target]}],
             "unmapped": {"mode": "other-map", "url": "urn:self"}}  # fmt: skip
    one = {"url": "urn:self", "group": [group]}
    with pytest.raises(Invalid, match="circle"):
        list(maps.translate(one, maps.Coded("a", "1"), other={"urn:self": one}.get))
    (found,) = maps.translate(one, maps.Coded("a", "1"), given=[("urn:p", maps.Coded(None, "v"))])
    assert found.equivalence == "wider"
    assert found.products == (("urn:q", {"system": "urn:s", "code": "w"}),)
    (back,) = maps.translate(one, maps.Coded("b", "2"), reverse=True, given=[("urn:p", maps.Coded(None, "v"))])
    assert back.equivalence == "narrower"
