"""FHIRPath: the rules of N1, sentence by sentence, and what R4 adds. http://hl7.org/fhirpath/N1/"""

from __future__ import annotations

import contextlib
import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longbien.base.errors import Unavailable
from longbien.fhir import definitions, path
from longbien.fhir.path import Node, PathError


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    try:
        definitions.types()
    except Unavailable as why:
        pytest.skip(str(why))


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "x",
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Contained"}],
    "active": True,
    "birthDate": "1970-01-02",
    "_birthDate": {"extension": [{"url": "http://x.vn/time", "valueDateTime": "1970-01-02T07:30:00+07:00"}]},
    "_gender": {"extension": [{"url": "u", "valueCode": "asked"}]},
    "name": [{"use": "official", "given": ["A", "B"], "family": "N"}, {"use": "usual", "given": ["C"]}],
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"type": "Organization", "display": "x"}],
}
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def on(expression: str, value: Any = PATIENT, root: str | None = None, **env: Any) -> list[Any]:
    return path.compile(expression, root)(value, {"now": NOW, **env})


CASES: list[tuple[str, list[Any]]] = [
    # paths
    ("Patient.name.given", ["A", "B", "C"]),
    ("Resource.id", ["x"]),
    ("DomainResource.contained.name", ["Contained"]),
    ("Observation.status", []),
    ("name.where(use = 'official').given.first()", ["A"]),
    ("name[1].given[0]", ["C"]),
    ("name[7]", []),
    ("nothing.at.all", []),
    ("deceased", [False]),
    ("multipleBirth", [2]),
    ("`name`.`family`", ["N"]),
    # choices and types
    ("deceased is boolean", [True]),
    ("deceased is Boolean", [True]),
    ("deceased is System.Boolean", [False]),
    ("true is System.Boolean", [True]),
    ("deceased is dateTime", [False]),
    ("deceased as dateTime", []),
    ("multipleBirth.ofType(integer)", [2]),
    ("(multipleBirth as integer) + 1", [3]),
    ("name.all($this is HumanName)", [True]),
    ("Patient is DomainResource", [True]),
    ("Patient.is(FHIR.Resource)", [True]),
    ("name.use.first() is string", [True]),  # a code is a string
    ("name.given.first() is code", [False]),
    ("birthDate is date", [True]),
    ("type().name", ["Patient"]),
    ("1.type().namespace", ["System"]),
    ("{} is Patient", []),
    # extensions of primitives
    ("birthDate.extension('http://x.vn/time').value", ["1970-01-02T07:30:00+07:00"]),
    ("birthDate.extension('other').empty()", [True]),
    ("gender.exists()", [True]),
    ("gender.hasValue()", [False]),
    ("gender = 'male'", []),
    ("gender.extension.value", ["asked"]),
    ("birthDate.hasValue()", [True]),
    ("name.hasValue()", [False]),
    # existence
    ("name.exists(use = 'usual')", [True]),
    ("name.all(given.exists())", [True]),
    ("{}.all(false)", [True]),
    ("photo.empty()", [True]),
    ("name.count()", [2]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyTrue()", [True]),
    ("{}.allFalse()", [True]),
    # sets
    ("(1 | 2 | 2 | 1.0).count()", [2]),
    ("(1).combine(1).count()", [2]),
    ("(2).combine(1).combine(2) | 3", [2, 1, 3]),
    ("(1).combine(1).isDistinct()", [False]),
    ("(1 | 2 | 3).intersect(2 | 3 | 4)", [2, 3]),
    ("(1 | 2 | 3).exclude(2)", [1, 3]),
    ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
    ("name.given contains 'C'", [True]),
    ("'Z' in name.given", [False]),
    ("{} in name.given", []),
    ("name.use in ('a' | 'b')", PathError),  # type: ignore[list-item]
    # parts
    ("name.given.last()", ["C"]),
    ("name.given.tail()", ["B", "C"]),
    ("name.given.skip(1).take(1)", ["B"]),
    ("name.given.single()", PathError),  # type: ignore[list-item]
    ("name.select($index)", [0, 1]),
    ("name.select(given.count())", [2, 1]),
    ("name.given.aggregate($total & $this, '')", ["ABC"]),
    ("(3 | 1 | 2).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total)))", [1]),
    ("iif(name.exists(), 'y', 1 / 0)", ["y"]),
    ("iif({}, 1)", []),
    ("name.repeat(given)", ["A", "B", "C"]),
    ("contained.descendants().count()", [2]),
    ("name.children().count()", [6]),
    # truth in three values
    ("{} and false", [False]),
    ("{} and true", []),
    ("{} or true", [True]),
    ("{} or false", []),
    ("{} xor true", []),
    ("{} implies true", [True]),
    ("{} implies false", []),
    ("false implies {}", [True]),
    ("true implies {}", []),
    ("{}.not()", []),
    ("name.first() and true", [True]),  # one item that is no boolean is true
    ("name and true", PathError),  # type: ignore[list-item]
    # equality and order
    ("{} = {}", []),
    ("1 = 1.0", [True]),
    ("'a' = 'A'", [False]),
    ("'a  B' ~ 'A b'", [True]),
    ("(1 | 2) = (1 | 2)", [True]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("{} ~ {}", [True]),
    ("1 = true", [False]),
    ("name[0] = name[0]", [True]),
    ("name[0] != name[1]", [True]),
    ("1 < 'a'", PathError),  # type: ignore[list-item]
    ("'a' < 'b'", [True]),
    ("{} < 1", []),
    # dates
    ("birthDate < today()", [True]),
    ("birthDate = @1970-01-02", [True]),
    ("birthDate = @1970-01", []),
    ("birthDate > @1969", [True]),
    ("birthDate > @1970", []),
    ("birthDate ~ @1970-01", [False]),
    ("@2020-01-01T10:00:00Z = @2020-01-01T17:00:00+07:00", [True]),
    ("@2020-01-01T10:00:00.0Z = @2020-01-01T10:00:00Z", [True]),
    ("@2020-01-01T17:00:00 = @2020-01-01T10:00:00Z", [True]),  # Hanoi's clock
    ("@T10:30 < @T10:31", [True]),
    ("@2020-01-31 + 1 month", ["2020-02-29"]),
    ("@2020-02-29 + 1 year", ["2021-02-28"]),
    ("@2020-03-01 - 1 day", ["2020-02-29"]),
    ("@2020-02-29T10:00:00Z + 25 hours", ["2020-03-01T11:00:00Z"]),
    ("@2020-02-29T10:00:59.125Z + 1 second", ["2020-02-29T10:01:00.125Z"]),
    ("today()", ["2026-11-24"]),  # 01:00 of the next day in Hanoi
    ("now() > @2026-11-23T17:59:59Z", [True]),
    # quantities
    ("2 'mg' < 1 'g'", [True]),
    ("1 'kg' = 1000 'g'", [True]),
    ("1 year = 12 months", [True]),
    ("1 'mg' = 1 'mm'", []),
    ("2 'mg' + 3 'mg'", [{"value": 5, "unit": "mg"}]),
    # numbers
    ("1 + 2 * 3 - 4 div 2", [5]),
    ("7 mod 3", [1]),
    ("-7 div 2", [-3]),
    ("-7 mod 2", [-1]),
    ("1 / 0", []),
    ("3 / 2", [Decimal("1.5")]),
    ("(-5).abs()", [5]),
    ("2.power(10)", [1024]),
    ("1.55.round(1)", [Decimal("1.6")]),
    ("9.sqrt()", [3]),
    # texts
    ("'a' & {} & 'b'", ["ab"]),
    ("'a' + {}", []),
    ("'abc'.substring(1, 1)", ["b"]),
    ("'abc'.substring(7)", []),
    ("'abc'.indexOf('c')", [2]),
    ("'abc'.replace('b', 'x')", ["axc"]),
    ("'abc'.replaceMatches('(b)', '[$1]')", ["a[b]c"]),
    ("'a\\nb'.matches('a.b')", [True]),
    ("'xay'.matches('a')", [True]),
    ("'xay'.matches('^a$')", [False]),
    ("'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')", [True]),
    ("'Đào'.upper()", ["ĐÀO"]),
    ("'ab'.toChars()", ["a", "b"]),
    ("'a,b'.split(',').join('-')", ["a-b"]),
    ("'it\\'s \\u00e9'", ["it's é"]),
    ("name.given.join('')", ["ABC"]),
    ("1.10.toString()", ["1.10"]),
    ("'12'.toInteger() + 1", [13]),
    ("'1.2'.toInteger()", []),
    ("'1.20'.toDecimal()", [Decimal("1.20")]),
    ("'y'.toBoolean()", [True]),
    ("'2020-01'.toDate()", ["2020-01"]),
    ("'x'.convertsToDate()", [False]),
    # references
    ("managingOrganization.resolve().name", ["Contained"]),
    ("managingOrganization.resolve() is Organization", [True]),
    ("generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/1"]),
    ("generalPractitioner.where(resolve() is Organization).display", ["x"]),
    # variables
    ("%ucum", ["http://unitsofmeasure.org"]),
    ("%sct", ["http://snomed.info/sct"]),
    ("%`vs-gender`", ["http://hl7.org/fhir/ValueSet/gender"]),
    ("%'ext-x'", ["http://hl7.org/fhir/StructureDefinition/x"]),
    ("%resource.id = %rootResource.id", [True]),
    ("name.where(%context.id = 'x').count()", [2]),
    ("%unknown", PathError),  # type: ignore[list-item]
    # hooks
    ("name.use.first().memberOf('u')", [True]),
    ("conformsTo('u')", [True]),
]


@pytest.mark.parametrize(("expression", "result"), CASES, ids=[c[0] for c in CASES])
def test_the_rules(expression: str, result: Any) -> None:
    before = copy.deepcopy(PATIENT)
    if result is PathError:
        with pytest.raises(PathError):
            on(expression)
    else:
        assert on(expression) == result
    assert before == PATIENT


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "name.", "name..given", "(name", "name)", "'open", "name[", "foo()", "where()", "name.where(1, 2)", "@2020-13",
     "1 +", "a b", "name is", "#", "not", "`a", "%", "name.is(1)", "{ 1 }", "first(1)", "(" * 500 + "1" + ")" * 500,
     "-" * 500 + "1", "a" + ".a" * 5000, "1" + "+1" * 5000, "x" * 200_000],
    ids=lambda w: w[:20],
)  # fmt: skip
def test_a_wrong_expression_is_refused_when_it_is_compiled(wrong: str) -> None:
    if wrong == "not":
        assert on(wrong) == []  # a name like any other
        return
    with pytest.raises(PathError) as why:
        path.compile(wrong)
    assert len(str(why.value)) < 400


def test_an_element_is_evaluated_by_its_stated_type() -> None:
    component = {"code": {"text": "x"}, "valueQuantity": {"value": Decimal("1.0"), "unit": "mg"}}
    assert on("value is Quantity", component, "Observation.component") == [True]
    assert on("low <= high", {"low": {"value": 1}, "high": {"value": 2}}, "Range") == [True]
    assert on("start <= end", {"start": "2020", "end": "2019-05"}, "Period") == [False]
    assert on("start <= end", {"start": "2020", "end": "2020-05"}, "Period") == []
    assert on("$this.length()", "abc", "string") == [3]
    assert on("extension.value", Node(None, "date", {"extension": [{"url": "u", "valueString": "s"}]})) == ["s"]


def test_an_example_scenario_says_the_type_of_its_instance_not_its_own() -> None:
    scenario = {"resourceType": "ExampleScenario", "instance": [{"resourceId": "1", "resourceType": "Patient"}]}
    assert on("instance.resourceType", scenario) == ["Patient"]
    assert on("instance is Patient", scenario) == [False]


def test_the_caller_can_resolve_and_answer() -> None:
    found = {"resourceType": "Practitioner", "id": "1", "active": True}
    assert on("generalPractitioner.resolve().active", resolve={"Practitioner/1": found}.get) == [True]
    observation = {"resourceType": "Observation", "subject": {"reference": "urn:uuid:1"}}
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1", "resource": PATIENT}]}
    assert on("subject.resolve().id", observation, bundle=bundle) == ["x"]
    assert on("subject.resolve()", observation) == []
    assert on("active.memberOf('u')", memberOf=lambda value, url: url == "v") == [False]
    assert on("active.memberOf('u')", memberOf=lambda value, url: None) == []
    assert on("active | %mine", mine=[1, None]) == [True, 1]
    told: list[str] = []
    on("name.trace('names').given", trace=lambda name, items: told.append(f"{name} {len(items)}"))
    assert told == ["names 2"]


@pytest.mark.parametrize(
    ("div", "good"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b<br/></p></div>', True),
        ('<div><img src="x.png" alt=""/></div>', True),
        ("<div> </div>", False),
        ("<div><script>x</script></div>", False),
        ('<div onclick="x()">a</div>', False),
        ('<div><a href="javascript:x()">a</a></div>', False),
        ("<div><p>a</div>", False),
        ("<p>a</p>", False),
        ("<div>a</div>b", False),
        ("<div>a & b</div>", False),
        ("<div><iframe src='x'/>a</div>", False),
        ("a", False),
    ],
)
def test_narrative(div: str, good: bool) -> None:
    assert on("htmlChecks()", div, "xhtml") == [good]


# --- anything at all ---

_PARTS = st.sampled_from(
    ["name", "given", "value", "active", "birthDate", "$this", "%resource", "1", "1.5", "'a'", "true", "{}", "@2020",
     "@2020-01-01T10:00:00Z", "@T10", "5 'mg'", "3 days", "Patient", "extension", "resolve()", "children()", "descendants()",
     "count()", "first()", "toString()", "toInteger()", "toQuantity()", "isDistinct()", "not()", "exists()", "hasValue()",
     "length()", "upper()", "type()", "today()", "abs()", "sqrt()", "exp()", "ceiling()", "htmlChecks()", "single()",
     "join()", "toDate()", "convertsToTime()"]
)  # fmt: skip
_OPERATORS = st.sampled_from(
    [" and ", " or ", " xor ", " implies ", " = ", " != ", " ~ ", " !~ ", " < ", " <= ", " > ", " >= ", " + ", " - ", " * ",
     " / ", " div ", " mod ", " & ", " | ", " in ", " contains ", "."]
)  # fmt: skip
_CALLS = st.sampled_from(
    ["where", "select", "all", "exists", "repeat", "union", "combine", "intersect", "exclude", "contains", "startsWith",
     "matches", "indexOf", "substring", "skip", "take", "power", "log", "round", "split", "join", "extension", "memberOf",
     "replaceMatches", "aggregate", "iif", "trace", "encode", "comparable", "subsetOf"]
)  # fmt: skip


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _OPERATORS, inner).map("".join),
        st.tuples(inner, _CALLS, inner).map(lambda t: f"{t[0]}.{t[1]}({t[2]})"),
        inner.map(lambda e: f"({e})"),
        inner.map(lambda e: f"{e} is string"),
        inner.map(lambda e: f"-{e}"),
        inner.map(lambda e: f"{e}[0]"),
    )


_EXPRESSIONS = st.recursive(_PARTS, _grow, max_leaves=8)
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.text(max_size=12)
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["resourceType", "name", "_name", "given", "_given", "active", "birthDate", "_birthDate", "extension", "url",
                 "valueString", "value", "reference", "id", "contained", "deceasedDateTime", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(_EXPRESSIONS, _JSON, st.sampled_from([None, "Patient", "Quantity", "HumanName", "date", "NoSuchType"]))
def test_whatever_comes_only_a_path_error_is_raised_and_nothing_changes(expression: str, value: Any, root: str | None) -> None:
    for input_ in (value, {"resourceType": "Patient", **value} if isinstance(value, dict) else PATIENT):
        before = copy.deepcopy(input_)
        try:
            result = path.compile(expression, root)(input_, {})
            assert isinstance(result, list)
        except PathError:
            pass
        assert input_ == before


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aT1.'()[]{}@$%`|+-*/&=!<>~, \n\\:", max_size=30))
def test_whatever_is_written_only_a_path_error_is_raised(expression: str) -> None:
    with contextlib.suppress(PathError):
        path.compile(expression)(PATIENT, {})
