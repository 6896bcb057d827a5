"""One life as text, to be read as a doctor reads: `python -m longbien.demo.timeline PERSON [SEED] [YYYY-MM-DD]`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

from longbien.base import clock
from longbien.demo import population

Resource = dict[str, Any]


def _when(r: Resource) -> str:
    period = r.get("period") or r.get("performedPeriod") or {}
    keys = ("effectiveDateTime", "authoredOn", "date", "started", "occurrenceDateTime", "onsetDateTime", "recordedDate", "start")
    return str(next((r[k] for k in keys if k in r), period.get("start", "")))


def _value(o: Resource) -> str:
    if "component" in o:
        return "/".join(str(c["valueQuantity"]["value"]) for c in o["component"])
    if "valueString" in o:
        return str(o["valueString"])
    mark = o.get("interpretation", [{"coding": [{"code": "N"}]}])[0]["coding"][0]["code"]
    return f"{o['valueQuantity']['value']}{'' if mark == 'N' else ' ' + mark}"


def lines(resources: list[Resource]) -> Iterator[str]:
    """Every event in the order of its time; observations of one moment on one line."""
    moments: dict[tuple[str, str], list[str]] = {}
    events: list[tuple[str, str]] = []
    for r in resources:
        kind, when = r["resourceType"], _when(r)[:16]
        match kind:
            case "Observation":
                key = (when, r["category"][0]["coding"][0]["code"])
                moments.setdefault(key, []).append(f"{r['code']['text']} {_value(r)}")
            case "Encounter":
                dx = "; ".join(d["condition"]["display"] for d in r.get("diagnosis", ()))
                where = f"{r['serviceProvider']['display']}, {r['serviceType']['text']}"
                until = r["period"].get("end", "...")[:16]
                events.append(
                    (when, f"== {r['class']['code']} {r['status']} {where}: {r['reasonCode'][0]['text']} -> {until} [{dx}]")
                )
            case "MedicationRequest":
                span = r["dispenseRequest"]["validityPeriod"]
                drug = r["medicationCodeableConcept"]["text"]
                why = r.get("statusReason", {}).get("text", "")
                sig = r["dosageInstruction"][0]["text"]
                events.append((when, f"   Rx {drug} | {sig} | {r['status']} {span['start'][:10]}..{span['end'][:10]} {why}"))
            case "Composition":
                text = " / ".join(f"{x['title']}: {re.sub('<[^>]+>', '', x['text']['div'])}" for x in r["section"])
                events.append((when, f"   Ghi chép ({r['title']}, {r['author'][0]['display']}): {text}"))
            case "DiagnosticReport" if "conclusion" in r:
                events.append((when, f"   Hình ảnh {r['code']['text']}: {r['conclusion']}"))
            case "Condition":
                state = r["clinicalStatus"]["coding"][0]["code"]
                events.append((when, f"   Δ {r['code']['coding'][0]['code']} {r['code']['text']} ({state})"))
            case "Procedure" | "ServiceRequest":
                events.append((when, f"   {kind} {r['code']['text']} {r['status']}"))
            case "Immunization":
                events.append((when, f"   Tiêm {r['vaccineCode']['text']} mũi {r['protocolApplied'][0]['doseNumberPositiveInt']}"))
            case "Patient":
                events.append(("", f"{r['name'][0]['text']}, {r['gender']}, {r['birthDate']}, {r['address'][0]['text']}"))
            case "AllergyIntolerance":
                events.append((when, f"   DỊ ỨNG {r['code']['text']}: {r['reaction'][0]['manifestation'][0]['text']}"))
    events += [(when, f"   {'Sinh hiệu' if c == 'vital-signs' else 'XN'}: " + ", ".join(v)) for (when, c), v in moments.items()]
    for when, text in sorted(events, key=lambda e: e[0]):
        yield f"{when:16} {text}"


def main(arguments: list[str]) -> None:
    i = int(arguments[0]) if arguments else 0
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    today = date.fromisoformat(arguments[2]) if len(arguments) > 2 else population.demo_day(clock.now())
    sys.stdout.writelines(f"{line}\n" for line in lines(population.person(i, seed, today)))


if __name__ == "__main__":
    main(sys.argv[1:])
