"""Any parameter with any modifier and any value: an answer, or a refusal that names what is wrong. Never a fault of ours."""

from __future__ import annotations

import random

from longbien.base.errors import LongbienError
from longbien.fhir import definitions
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

MODIFIERS = ["", ":missing", ":exact", ":contains", ":text", ":not", ":of-type", ":in", ":not-in", ":above", ":below",
             ":identifier", ":Patient", ":Location", ":", ":x", ":not:not"]  # fmt: skip
VALUES = ["", ",", "|", "||", "$", "$$", "\\", "\\,", "a|b|c|d", "true", "1e999999", "-1", "1e-500", "NaN", "Infinity", "ge",
          "gt2024", "2024-13", "9999-12-31T23:59:59+14:00", "0000", "0001-01-01T00:00:00-14:00", "Patient/", "/", "#x",
          "urn:uuid:x", "http://x/Patient/1/_history/2", "\U0001fa7a", "\u202e", "%", "_", "'; DROP TABLE head; --", "x" * 5000,
          "a," * 50, "1|http://u|[", "http://hl7.org/fhir/ValueSet/administrative-gender", "5.4|http://unitsofmeasure.org|mg",
          "a$b", "a$gt5$6", "eqlt5", "ap0"]  # fmt: skip
CONTROLS = ["_sort", "_count", "_include", "_revinclude", "_include:iterate", "_summary", "_elements", "_total", "_page", "_type",
            "_contained", "_containedType", "_has:Observation:patient:code", "_has:Patient:link:_has:Patient:link:name",
            "_has:::", "_has:Patient", "_has:Observation:subject:subject.name", "_list", "_text", "_filter", "_query"]  # fmt: skip


async def test_no_question_is_a_fault(engine: Engine) -> None:
    r = random.Random(7)
    types = [
        "Patient",
        "Observation",
        "Encounter",
        "Location",
        "MolecularSequence",
        "RiskAssessment",
        "ValueSet",
        "Provenance",
        "Group",
    ]
    answered = refused = 0
    for _ in range(2500):
        type_ = r.choice(types)
        codes = sorted(definitions.search_params(type_))
        name = r.choice(CONTROLS) if r.random() < 0.25 else r.choice(codes) + r.choice(MODIFIERS)
        while r.random() < 0.25:
            name += "." + r.choice([*codes, "name", "_id", "identifier", "x", ""]) + r.choice(MODIFIERS)
        asked = [(name, r.choice(VALUES))] + ([("_sort", r.choice(["", "-"]) + r.choice(codes))] if r.random() < 0.2 else [])
        try:
            page = await Store(engine, system("t")).search(type_ if r.random() < 0.9 else None, asked, handling="strict")
            page.bundle()
            answered += 1
        except LongbienError as error:
            assert 400 <= error.status < 500, f"{type_}?{asked}: {error.status} {error.text}"
            refused += 1
        except Exception as error:
            raise AssertionError(f"{type_}?{asked}: {error!r}") from error
    assert answered > 200 and refused > 1000
