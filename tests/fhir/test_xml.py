"""XML in and out: the same dict as JSON gives, and a clear complaint for what is no FHIR XML."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.base.errors import Invalid
from longbien.fhir import json, xml
from longbien.fhir.json import MAX_DEPTH

XHTML = "http://www.w3.org/1999/xhtml"
NS = 'xmlns="http://hl7.org/fhir"'


def patient(inside: str, attributes: str = NS) -> bytes:
    return f"<Patient {attributes}>{inside}</Patient>".encode()


def refusal(data: bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        xml.loads(data)
    return refused.value


# -- what comes out ---------------------------------------------------------------------------------------------------


def test_a_resource_reads_as_its_json_would():
    found = xml.loads(
        b"""<?xml version="1.0" encoding="utf-8"?><?xml-stylesheet href="x.css"?><!-- a comment -->
        <Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                 xsi:schemaLocation="http://hl7.org/fhir ../patient.xsd">
          <id value="p1"/>
          <contained><Organization><id value="o"/><active value="true"/></Organization></contained>
          <extension url="http://x/y" id="e1"><valueDecimal value="1.10"/></extension>
          <active value="false"/>
          <name><given value="An"/><given id="g2"><extension url="http://x/z"><valueCode value="a"/></extension></given></name>
          <name><family value="L\xc3\xaa"/><!-- between --></name>
          <multipleBirthInteger value="2"/>
        </Patient>"""
    )
    assert found == {
        "resourceType": "Patient",
        "id": "p1",
        "contained": [{"resourceType": "Organization", "id": "o", "active": True}],
        "extension": [{"url": "http://x/y", "id": "e1", "valueDecimal": Decimal("1.10")}],
        "active": False,
        "name": [
            {
                "given": ["An", None],
                "_given": [None, {"id": "g2", "extension": [{"url": "http://x/z", "valueCode": "a"}]}],
            },
            {"family": "Lê"},
        ],
        "multipleBirthInteger": 2,
    }
    assert str(found["extension"][0]["valueDecimal"]) == "1.10"


def test_elements_are_written_in_the_order_of_the_schema():
    said = xml.dumps(
        {"name": [{"text": "A"}], "active": True, "resourceType": "Patient", "id": "1", "_gender": {"id": "g"}, "gender": "male"}
    )
    assert said == (
        b'<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/>'
        b'<name><text value="A"/></name><gender value="male" id="g"/></Patient>'
    )


def test_any_order_is_read():
    assert xml.loads(patient('<gender value="male"/><active value="true"/>')) == {
        "resourceType": "Patient", "gender": "male", "active": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Patient", "_birthDate": {"extension": [{"url": "http://x", "valueBoolean": False}]}},
        {"resourceType": "Patient", "name": [{"_given": [{"extension": [{"url": "http://x", "valueInteger": 0}]}]}]},
        {"resourceType": "Patient", "name": [{"given": ["a", "b"], "_given": [None, {"id": "x"}]}]},
        {
            "resourceType": "Bundle",
            "type": "batch-response",
            "entry": [{"response": {"status": "400", "outcome": {"resourceType": "OperationOutcome", "issue": []}}}],
        },
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "a", "part": [{"name": "b", "resource": {"resourceType": "Patient", "id": "1"}}]},
                {"name": "c", "valueMoney": {"value": Decimal("1.0E+2"), "currency": "VND"}},
            ],
        },
        {"resourceType": "Questionnaire", "item": [{"linkId": "1", "item": [{"linkId": "2", "item": [{"linkId": "3"}]}]}]},
        {"resourceType": "Binary", "contentType": "text/plain", "data": "QQ=="},
    ],
)
def test_there_and_back(resource: dict[str, Any]):
    if resource["resourceType"] == "Bundle":
        resource["entry"][0]["response"]["outcome"]["issue"] = [{"severity": "error", "code": "invalid"}]
    for pretty in (False, True):
        assert xml.loads(xml.dumps(resource, pretty=pretty)) == resource


@pytest.mark.parametrize("number", ["1.10", "0.00", "1E-22", "-0.0", "12345678901234567890.123456789", "-7", "0"])
def test_numbers_keep_their_text(number):
    quantity = f'<Observation {NS}><valueQuantity><value value="{number}"/></valueQuantity></Observation>'.encode()
    assert f'"value":{number}}}'.encode() in json.dumps(xml.loads(quantity))
    assert f'<value value="{number}"/>'.encode() in xml.dumps(xml.loads(quantity))


def test_namespaces_may_have_prefixes():
    found = xml.loads(
        f'<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="{XHTML}"><f:text><f:status value="generated"/>'
        '<h:div h:title="no"><h:p class="a&quot;">A &amp; B<h:br/></h:p></h:div></f:text></f:Patient>'.replace(
            ' h:title="no"', ""
        ).encode()
    )
    assert found["text"]["div"] == f'<div xmlns="{XHTML}"><p class=\'a"\'>A &amp; B<br></br></p></div>'
    found = xml.loads(
        f'<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="{XHTML}"><f:text><div>x</div></f:text></f:Patient>'.encode()
    )
    assert found["text"]["div"] == f'<div xmlns="{XHTML}">x</div>'


@pytest.mark.parametrize(
    "div",
    [
        f'<div xmlns="{XHTML}">Nguyễn</div>',
        f'<div xmlns="{XHTML}" xml:lang="vi">a<br/>b<br />&#160;&lt;<!-- kept --><![CDATA[<]]></div>',
        f"<div xmlns='{XHTML}'\n  >\r\n<p\ttitle='>'>x</p></div >",
        f'<div xmlns="{XHTML}"/>',
        f'<div xmlns="{XHTML}"><div><div>x</div></div>\N{GRINNING FACE}</div>',
    ],
)
def test_the_narrative_is_kept_letter_for_letter(div):
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": div}, "active": True}
    for pretty in (False, True):
        said = xml.dumps(resource, pretty=pretty)
        assert xml.loads(said) == resource
        ElementTree.fromstring(said)


def test_characters_named_as_in_html_become_characters():
    div = f'<div xmlns="{XHTML}">a&nbsp;b&amp;c</div>'
    assert "a\N{NO-BREAK SPACE}b&amp;c".encode() in xml.dumps({"resourceType": "Patient", "text": {"div": div}})


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "ends before an element came"),
        (b"{}", "line 1, column 1"),
        (patient("<active value='true'/>")[:-4], "line 1"),
        (patient("") + b"<Patient/>", "junk after document element"),
        (b'<Patient xmlns="http://hl7.org/fhir">\n <active value="true">\n</Patient>', "mismatched tag at line 3, column 3"),
        (b"<!DOCTYPE Patient [<!ENTITY a 'b'>]><Patient/>", "DOCTYPE"),
        (b"<?xml version='1.0'?><!-- <a --> <!DOCTYPE Patient SYSTEM 'file:///etc/passwd'><Patient/>", "DOCTYPE"),
        (patient("<active value='&x;'/>"), "undefined entity"),
        (patient("<active value='\0'/>"), "line 1, column 53"),
        (patient("<id value='&#0;'/>"), "reference to invalid character number"),
        (patient("<id value='&#x1;'/>"), "reference to invalid character number"),
        (patient("<id value='\ufffe'/>"), "not well-formed"),
        (b"<Patient xmlns='http://hl7.org/fhir'><id value='\xff'/></Patient>", "line 1"),
        (b"<?xml version='1.0' encoding='latin1'?>" + patient(""), "must be in UTF-8, not 'latin1'"),
        (patient("").decode().encode("utf-16"), "must be in UTF-8"),
        (b"<Patient/>", "<Patient> must be of the namespace http://hl7.org/fhir, not ''"),
        (b"<html/>", "<html> must be a resource of the namespace http://hl7.org/fhir, not ''"),
        (b"<Nonsense xmlns='http://hl7.org/fhir'/>", "<Nonsense> is not a FHIR R4 resource type"),
        (b"<DomainResource xmlns='http://hl7.org/fhir'/>", "is not a FHIR R4 resource type"),
        (patient("<colour value='red'/>"), "Patient.colour: The element <colour> is unknown in Patient"),
        (patient("<active value='true' colour='red'/>"), "The attribute 'colour' is unknown"),
        (patient("<active value='true' xml:lang='vi'/>"), "The attribute 'lang' is unknown"),
        (patient("", NS + " id='1'"), "The attribute 'id' is unknown"),
        (patient("<contact><name value='x'/></contact>"), "Patient.contact[0].name: The attribute 'value' is unknown"),
        (patient("<contact/><contact><gender value='a'/></contact>"), "Patient.contact[0]: is empty"),
        (patient("<contact><gender value=''/></contact>"), "Patient.contact[0].gender: the attribute 'value' is empty"),
        (patient("<active/>"), "Patient.active: is empty"),
        (patient("<active id='1'/>"), "Patient.active: is empty"),
        (patient("<active><value>true</value></active>"), "a primitive's value is the attribute 'value'"),
        (patient("<active>true</active>"), "no text between elements, but here is 'true'"),
        (patient("<![CDATA[x]]>"), "no text between elements"),
        (patient("<active value='TRUE'/>"), "Patient.active: must be true or false, not 'TRUE'"),
        (patient("<active value='true'/><active value='true'/>"), "Patient.active: may be given once only"),
        (patient("<maritalStatus><text value='a'/></maritalStatus><maritalStatus/>"), "maritalStatus: may be given once only"),
        (patient("<multipleBirthInteger value='1.0'/>"), "must be a whole number, not '1.0'"),
        (patient("<multipleBirthInteger value=' 1'/>"), "must be a whole number"),
        (patient("<extension url='x'><valueDecimal value='01'/></extension>"), "extension[0].valueDecimal: must be a number"),
        (patient("<extension url='x'><valueDecimal value='NaN'/></extension>"), "must be a number"),
        (patient("<extension url='x'><valueDecimal value='1e99999999999999999999'/></extension>"), "exponent out of range"),
        (patient(f"<extension url='x'><valueDecimal value='{'1' * 5000}'/></extension>"), "must be a number"),
        (patient("<extension url=''/>"), "the attribute 'url' is empty"),
        (patient("<contained><Patient/><Patient/></contained>"), "only one resource may stand here"),
        (patient("<contained/>"), "Patient.contained[0]: is empty"),
        (patient("<contained><name/></contained>"), "<name> is not a FHIR R4 resource type"),
        (patient("<text><div>x</div></text>"), f"<div> must be of the namespace {XHTML}, not 'http://hl7.org/fhir'"),
        (patient("<x:name xmlns:x='urn:other'/>"), "<name> must be of the namespace http://hl7.org/fhir, not 'urn:other'"),
        (patient(f"<text><div xmlns='{XHTML}'><p xmlns='urn:x'/></div></text>"), "the narrative holds <p>"),
        (patient(f"<text><div xmlns='{XHTML}'><?php x ?></div></text>"), "processing instruction"),
        (patient(f"<text><div xmlns='{XHTML}'>&nbsp;</div></text>"), "undefined entity"),
        (patient(f"<text><div xmlns='{XHTML}'>x</div><div xmlns='{XHTML}'>x</div></text>"), "text.div: may be given once only"),
        (patient("<x:active value='true'/>"), "unbound prefix"),
    ],
)  # fmt: skip
def test_what_is_no_fhir_xml_is_refused_by_place(data, complaint):
    assert complaint in refusal(data).text


def test_a_refusal_names_line_column_and_element():
    why = refusal(
        b'<Patient xmlns="http://hl7.org/fhir">\n  <name>\n    <use value="usual"/><nick value="A"/>\n  </name>\n</Patient>'
    )
    assert why.issues[0].expression == "Patient.name[0].nick"
    assert "(line 3, column 25)" in why.text


def nested(levels: int) -> bytes:
    """A Questionnaire whose items are nested; JSON counts two a level and one for the resource."""
    inside = "".join('<item><linkId value="1"/>' for _ in range(levels)) + "</item>" * levels
    return f"<Questionnaire {NS}>{inside}</Questionnaire>".encode()


def test_nesting_is_bounded_exactly_as_in_json():
    levels = (MAX_DEPTH - 1) // 2
    deepest = xml.loads(nested(levels))
    assert json.loads(json.dumps(deepest)) == deepest == xml.loads(xml.dumps(deepest))
    assert "more than 100 deep" in refusal(nested(levels + 1)).text
    assert "more than 100 deep" in refusal(nested(100_000)).text


def test_attributes_and_entities_cannot_fill_the_memory():
    many = " ".join(f"a{n}=''" for n in range(400_000))
    assert "attributes" in refusal(f"<Patient {NS} {many}/>".encode()).text
    laughs = "<!DOCTYPE a [" + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
    assert "DOCTYPE" in refusal(laughs.encode() + patient("<id value='&e9;'/>")).text


def test_a_large_value_is_read():
    data = "QUJD" * 1_000_000
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    assert xml.loads(xml.dumps(resource)) == resource


@pytest.mark.parametrize(
    ("resource", "complaint"),
    [
        ({"resourceType": "Nonsense"}, "is not a FHIR R4 resource type"),
        ({"resourceType": "Patient", "colour": "red"}, "'colour' is unknown"),
        ({"resourceType": "Patient", "name": [{"resourceType": "HumanName"}]}, "'resourceType' is unknown"),
        ({"resourceType": "Patient", "_name": [{}]}, "'_name' is unknown"),
        ({"resourceType": "Patient", "name": {"text": "x"}}, "name must be a list"),
        ({"resourceType": "Patient", "active": "true"}, "active must be a boolean"),
        ({"resourceType": "Patient", "gender": 1}, "a value must be text"),
        ({"resourceType": "Patient", "gender": "a\x01"}, "the character U+0001 is not allowed"),
        ({"resourceType": "Patient", "gender": "a\uffff"}, "the character U+FFFF is not allowed"),
        ({"resourceType": "Patient", "gender": "a\ud800"}, "the character U+D800 is not allowed"),
        ({"resourceType": "Patient", "text": {"div": "<div>"}}, "not well-formed XHTML"),
        ({"resourceType": "Patient", "text": {"div": "<div/>"}}, "not a div of XHTML"),
        ({"resourceType": "Patient", "text": {"div": f"<!DOCTYPE a []><div xmlns='{XHTML}'/>"}}, "a declaration"),
        ({"resourceType": "Patient", "text": {"div": f"<div xmlns='{XHTML}'></div></text><active/>"}}, "not well-formed"),
        ({"resourceType": "Patient", "text": {"div": f"<div xmlns='{XHTML}'>\x01</div>"}}, "not well-formed"),
        ({"resourceType": "Patient", "contained": ["x"]}, "is not a FHIR R4 resource type"),
    ],
)
def test_what_xml_cannot_say_is_refused(resource, complaint):
    with pytest.raises(Invalid) as refused:
        xml.dumps(resource)
    assert complaint in refused.value.text


# -- whatever comes ---------------------------------------------------------------------------------------------------

characters = st.one_of(
    st.sampled_from("&<>\"' \t\n\r\N{GRINNING FACE}\N{NO-BREAK SPACE}\u0085\u2028]"),
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
)
strings = st.text(characters, min_size=1)
decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
PLENTY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@PLENTY
@given(st.lists(strings, min_size=1, max_size=4), strings, st.booleans())
def test_any_text_goes_there_and_back(texts, inside, pretty):
    escaped = inside.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    resource = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": f'<div xmlns="{XHTML}">{escaped}</div>'},
        "extension": [{"url": texts[0], "valueMarkdown": texts[-1]}],
        "name": [{"given": texts}],
    }
    said = xml.dumps(resource, pretty=pretty)
    assert xml.loads(said) == resource
    tree = ElementTree.fromstring(said)  # another reader sees the same
    assert [g.get("value") for g in tree.iter("{http://hl7.org/fhir}given")] == texts


@PLENTY
@given(decimals)
def test_any_number_goes_there_and_back(number):
    read = json.loads(f'{{"resourceType":"Observation","valueQuantity":{{"value":{number}}}}}')
    again = xml.loads(xml.dumps(read))
    assert json.dumps(again) == json.dumps(read)


@PLENTY
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: patient(t) if max(t, default="") < "\ud800" else b""))
def test_any_bytes_give_a_resource_or_a_clear_refusal(data):
    try:
        assert "resourceType" in xml.loads(data)
    except Invalid as why:
        assert why.text


SCRAPS = st.sampled_from(
    [
        b"<name>", b"</name>", b"<given", b" value='a'", b"/>", b">", b"<contained>", b"</contained>", b"<Patient>", b"</Patient>",
        b"<text>", b"</text>", f"<div xmlns='{XHTML}'>".encode(), b"<div>", b"</div>", b"<active value='true'/>", b"<!--", b"-->",
        b"<?x ", b"?>", b"<![CDATA[", b"]]>", b"&amp;", b"&#10;", b"&", b"<extension url='x'>", b"</extension>", b"x", b" ",
    ]
)  # fmt: skip


@PLENTY
@given(st.lists(SCRAPS, max_size=25))
def test_scraps_of_xml_give_a_resource_that_can_be_written_or_a_clear_refusal(scraps):
    try:
        found = xml.loads(patient(b"".join(scraps).decode()))
    except Invalid as why:
        assert why.text
    else:
        assert xml.loads(xml.dumps(found)) == found
