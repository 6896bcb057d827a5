"""What the rules say of a drug beside the others, in this kidney, in this pregnancy."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from longbien.base.department import Verdict
from longbien.base.words import Words
from longbien.orders import safety
from longbien.orders.safety import Body, Drug, Facts, Span, check

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
VI, EN = Words("vi"), Words("en")
ADULT = Body(age_days=25_000, years=68)
KNOWN = Facts()
WARFARIN = Drug("Warfarin", ("B01AA03",), facts=KNOWN)
IBUPROFEN = Drug("Ibuprofen", ("M01AE01",), facts=KNOWN)
SIMVASTATIN = Drug("Simvastatin", ("C10AA01",), facts=KNOWN)
CLARITHROMYCIN = Drug("Clarithromycin", ("J01FA09",), facts=KNOWN)


def asked(new: Drug, *taken: Drug, before: tuple[Span, ...] = (), body: Body = ADULT, w: Words = VI) -> list[Verdict]:
    return check([new], taken, before, body, NOW, w)


def of(found: list[Verdict], source: str) -> list[Verdict]:
    return [v for v in found if v.source.startswith(source)]


def test_what_is_contraindicated_stops_and_says_why_and_what_to_do() -> None:
    [said] = of(asked(CLARITHROMYCIN, SIMVASTATIN), "interactions")
    assert said.level == "stop" and said.text == "Chống chỉ định dùng cùng Simvastatin"
    assert "tiêu cơ vân" in said.reason and "Ngừng statin" in said.reason and said.source.split()[-1].startswith("IX")
    [english] = of(asked(CLARITHROMYCIN, SIMVASTATIN, w=EN), "interactions")
    assert english.text == "Contraindicated with Simvastatin" and "CYP3A4" in english.reason


def test_a_major_one_interrupts_once_and_then_is_told_quietly() -> None:
    """ADE alerts that come again with every refill are overridden unread (van der Sijs et al., JAMIA 2006;13:138)."""
    assert of(asked(IBUPROFEN, WARFARIN), "interactions")[0].level == "stop"
    both = (Span("M01AE01", NOW - timedelta(60), NOW - timedelta(30)), Span("B01AA03", NOW - timedelta(90), NOW))
    assert of(asked(IBUPROFEN, WARFARIN, before=both), "interactions")[0].level == "note"


def test_what_is_contraindicated_stays_visible_where_it_was_accepted_before() -> None:
    both = (Span("J01FA09", NOW - timedelta(5), NOW), Span("C10AA01", NOW - timedelta(90), NOW))
    assert of(asked(CLARITHROMYCIN, SIMVASTATIN, before=both), "interactions")[0].level == "warn"


def test_two_drugs_that_were_never_taken_together_are_a_new_pair() -> None:
    apart = (Span("J01FA09", NOW - timedelta(200), NOW - timedelta(193)), Span("C10AA01", NOW - timedelta(30), NOW))
    assert of(asked(CLARITHROMYCIN, SIMVASTATIN, before=apart), "interactions")[0].level == "stop"


def test_two_lines_of_one_order_are_compared_with_each_other() -> None:
    found = check([SIMVASTATIN, CLARITHROMYCIN], [], [], ADULT, NOW, VI)
    assert [(v.level, v.about) for v in of(found, "interactions")] == [("stop", 1)]


@pytest.mark.parametrize(("days", "level"), [(3, "stop"), (28, "stop"), (29, "warn"), (25_000, "warn"), (None, "stop")])
def test_ceftriaxone_and_calcium_stop_in_the_newborn_only(days: int | None, level: str) -> None:
    """FDA 2009: contraindicated up to 28 days of age; who is of unknown age is treated as one."""
    ceftriaxone, calcium = Drug("Ceftriaxon", ("J01DD04",), facts=KNOWN), Drug("Calci gluconat", ("A12AA03",))
    body = Body(days, None if days is None else days // 365)
    assert of(asked(ceftriaxone, calcium, body=body), "interactions")[0].level == level


def test_what_is_put_into_the_eye_or_on_the_skin_meets_nothing() -> None:
    assert not of(asked(Drug("Timolol nhỏ mắt", ("S01ED01",), facts=KNOWN), WARFARIN), "interactions")


def test_an_order_that_runs_is_not_compared_with_itself() -> None:
    running = Drug("Warfarin", ("B01AA03",), "rx-1", KNOWN)
    assert asked(running, running) == []


def test_two_of_a_class_are_told_and_a_dangerous_pair_stops() -> None:
    [ppi] = of(asked(Drug("Esomeprazol", ("A02BC05",), facts=KNOWN), Drug("Omeprazol", ("A02BC01",))), "duplicate")
    assert ppi.level == "warn" and ppi.text == "Trùng nhóm với Omeprazol: PPI"
    [both] = of(asked(Drug("Diclofenac", ("M01AB05",), facts=KNOWN), Drug("Meloxicam", ("M01AC06",))), "duplicate")
    assert both.level == "stop" and "NSAID" in both.text


def test_the_same_drug_again_is_left_to_the_rule_of_repeats() -> None:
    assert not of(asked(Drug("Omeprazol 40", ("A02BC01",), facts=KNOWN), Drug("Omeprazol", ("A02BC01",))), "duplicate")


METFORMIN = Drug(
    "Metformin", ("A10BA02",), facts=Facts(safety.kidney("eGFR<45: tối đa 1000 mg/ngày, không khởi đầu;eGFR<30: chống chỉ định"))
)


@pytest.mark.parametrize(("egfr", "level"), [(29.0, "stop"), (30.0, "warn"), (44.0, "warn"), (45.0, None)])
def test_the_kidney_decides_by_the_lowest_band_that_holds(egfr: float, level: str | None) -> None:
    found = of(asked(METFORMIN, body=Body(25_000, 68, egfr=(egfr, NOW - timedelta(days=3)))), "drugs")
    assert [v.level for v in found] == ([level] if level else [])
    if level:
        assert found[0].text.startswith(f"Thận: eGFR {egfr:.0f} ngày 27/11/2026, dưới")


def test_at_the_bedside_what_is_signed_already_is_told_one_step_milder() -> None:
    """The nurse cannot change the order; what is contraindicated stays in sight, the rest is quiet."""
    running = Drug("Metformin", METFORMIN.atc, "rx-9", METFORMIN.facts)
    for egfr, level in ((20.0, "warn"), (40.0, "note")):
        [said] = of(asked(running, running, body=Body(25_000, 68, egfr=(egfr, NOW))), "drugs")
        assert said.level == level


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (Body(25_000, 68), "không có eGFR"),
        (Body(25_000, 68, egfr=(20.0, NOW - timedelta(days=400))), "không có eGFR"),
        (Body(2_000, 5, egfr=(20.0, NOW)), "chỉ dùng cho người lớn"),
    ],
)
def test_a_kidney_that_is_not_known_is_said_to_be_not_checked(body: Body, said: str) -> None:
    [told] = of(asked(METFORMIN, body=body), "drugs")
    assert told.level == "note" and said in told.text


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("contraindicated", "stop"),
        ("avoid-t1", "warn"),
        ("avoid-from-20w", "warn"),
        ("caution", "note"),
        ("", "note"),
        ("may-use", None),
    ],
)
def test_pregnancy_by_what_the_catalogue_says(code: str, level: str | None) -> None:
    pregnant = Body(11_000, 30, True, pregnant="Thai 12 tuần")
    found = of(asked(Drug("X", ("A01AA01",), facts=Facts(pregnancy=code)), body=pregnant), "drugs")
    assert [v.level for v in found] == ([level] if level else [])


def test_a_woman_of_whom_no_pregnancy_is_recorded_is_asked_about() -> None:
    drug = Drug("Methotrexat", ("L04AX03",), facts=Facts(pregnancy="contraindicated"))
    assert [v.text for v in asked(drug, body=Body(11_000, 30, True))] == [
        "Không dùng khi có thai; hồ sơ không ghi có thai: hãy hỏi."
    ]
    assert asked(drug, body=Body(22_000, 60, True)) == [] and asked(drug, body=Body(11_000, 30)) == []


def test_what_could_not_be_looked_at_is_said() -> None:
    unknown = asked(Drug("Thuốc nam"), Drug("Cao xoa"), body=Body(11_000, 30, True, nursing=True))
    assert [v.level for v in unknown] == ["note"] * 4
    told = " ".join(v.text for v in unknown)
    for word in ("không có mã ATC", "không có trong danh mục", "Chưa so với Cao xoa", "cho con bú"):
        assert word in told


def test_every_row_of_the_tables_can_be_read_and_meets_something() -> None:
    code = re.compile(r"[A-V]\d{2}[A-Z]{0,2}(\d{2})?|[A-V]\d{2}|[A-V]")
    assert len(safety.pairs()) == 384 and len(safety.classes()) > 50
    for p in safety.pairs():
        assert p.severity in safety.SEVERITY and p.mode in ("interrupt", "interrupt-once", "passive"), p.id
        assert all(code.fullmatch(c) for c in (*p.a, *p.b)) and p.mechanism[0] and p.mechanism[1], p.id
    assert all(code.fullmatch(c) for x in safety.classes() for c in x.atc)


def test_every_kidney_rule_of_the_starter_catalogue_is_read_whole() -> None:
    drugs = Path(safety.__file__).parents[1] / "demo" / "tables" / "drugs.csv"
    with drugs.open(encoding="utf-8", newline="") as f:
        rules = {r["renal_rules_vi"] for r in csv.DictReader(f) if r["renal_rules_vi"]}
    lost = [t for t in rules if len(safety.kidney(t)) != t.count(";") + 1]
    assert not lost


def test_the_pairs_are_those_of_the_shared_catalogue(shared: Path) -> None:
    with (shared / "clinical" / "interactions.csv").open(encoding="utf-8", newline="") as f:
        given = {r["id"]: (r["a_atc_prefixes"], r["b_atc_prefixes"], r["severity"], r["alert_mode"]) for r in csv.DictReader(f)}
    assert {p.id: (";".join(p.a), ";".join(p.b), p.severity, p.mode) for p in safety.pairs()} == given
