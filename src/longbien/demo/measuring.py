"""What is measured: vital signs at the bedside, laboratory results with their bands, panels as reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from longbien.demo import facilities
from longbien.demo.body import egfr
from longbien.demo.chance import stable_id
from longbien.demo.pen import Pen, Visit
from longbien.demo.shapes import (
    INTERPRETATIONS,
    LABORATORY,
    PANELS,
    VITAL_SIGNS,
    Resource,
    concept,
    exact,
    lab_code,
    range_of,
    stamp,
    vital_code,
)
from longbien.demo.starter import band, by
from longbien.fhir import systems as s


class Measuring(Pen):
    """Vital signs and laboratory."""

    __slots__ = ()

    def _observation(self, visit: Visit | None, when: datetime, category: list[Resource], code: Resource) -> Resource:
        self._n += 1
        observation: Resource = {
            "resourceType": "Observation",
            "id": stable_id(self.person.id, self._n),
            "status": "final",
            "category": category,
            "code": code,
            "subject": self.subject,
        }
        if visit:
            observation["encounter"] = visit.reference
        observation["effectiveDateTime"] = stamp(when)
        self.out.append(observation)
        return observation

    def vital(self, visit: Visit | None, when: datetime, code: str, value: float) -> Resource:
        r = by("vitals")[code]
        o = self._observation(visit, when, VITAL_SIGNS, vital_code(code))
        unit = {"Cel": "°C", "mm[Hg]": "mmHg", "/min": "lần/phút", "{score}": "điểm", "mL/(24.h)": "mL/24 giờ"}
        o["valueQuantity"] = {
            "value": exact(value, int(r["decimals"] or 0)),
            "unit": unit.get(r["ucum"], r["ucum"]),
            "system": s.UCUM,
            "code": r["ucum"],
        }
        return o

    def pressure(self, visit: Visit | None, when: datetime, top: int, bottom: int) -> Resource:
        o = self._observation(visit, when, VITAL_SIGNS, vital_code("BP"))
        quantity = {"unit": "mmHg", "system": s.UCUM, "code": "mm[Hg]"}
        o["component"] = [
            {"code": vital_code("SBP"), "valueQuantity": {"value": top, **quantity}},
            {"code": vital_code("DBP"), "valueQuantity": {"value": bottom, **quantity}},
        ]
        return o

    def vitals(self, visit: Visit, when: datetime, codes: str = "BP HR WT", **given: float) -> dict[str, float]:
        """The usual set; `given` overrides (SBP, DBP, HR, TEMP, RR, SPO2, WT, HT). Gives back what was measured."""
        day = when.date()
        seen: dict[str, float] = {}
        for code in codes.split():
            if code == "BP":
                top, bottom = self.body.blood_pressure(day)
                top, bottom = round(given.get("SBP", top)), round(given.get("DBP", bottom))
                self.pressure(visit, when, top, bottom)
                seen["SBP"], seen["DBP"] = top, bottom
                continue
            value = given.get(code)
            if value is None:
                value = self._usual(code, day)
            self.vital(visit, when, code, value)
            seen[code] = value
        return seen

    def _usual(self, code: str, day: date) -> float:
        match code:
            case "HR":
                return self.body.heart_rate(day)
            case "WT":
                return self.body.weight(day)
            case "HT":
                return self.body.height(day)
            case "TEMP":
                return self.chance.near(36.7, 0.2, 36.1, 37.3)
            case "RR":
                age = self.body.age(day)
                return round(38 - age * 2.2 if age < 9 else self.chance.near(17, 1.2, 14, 20))
            case "SPO2":
                return round(self.chance.near(95 if self.body.has("J44", day) else 98, 0.8, 91, 100))
        raise KeyError(code)

    # --- laboratory

    def result(
        self, visit: Visit | None, when: datetime, code: str, value: float | str, issued: datetime, report: bool = False
    ) -> Resource:
        """One laboratory Observation; a number is judged by the catalogue's band, a word is kept as it is."""
        r = by("labs")[code]
        o = self._observation(visit, when, LABORATORY, lab_code(code))
        o["issued"] = stamp(issued)
        mark = visit.mark if visit else self.person.home
        o["performer"] = [facilities.organization_reference(mark)]
        if isinstance(value, str):
            o["valueString"] = value
            if value.startswith(("Dương tính", "Phản ứng", "Có phản ứng")):
                o["interpretation"] = INTERPRETATIONS["POS"]
            elif value.startswith(("Âm tính", "Không phản ứng")):
                o["interpretation"] = INTERPRETATIONS["NEG"]
            return o
        decimals = int(r["decimals"] or 0)
        number = exact(value, decimals)
        unit, ucum = r["unit_print_vi"] or r["ucum"], r["ucum"]
        o["valueQuantity"] = {"value": number, "unit": unit, "system": s.UCUM, "code": ucum}
        found = band(code, self.person.sex, (when.date() - self.person.birth).days)
        if found:
            limits = range_of(found, unit, ucum)
            if limits:
                o["interpretation"] = INTERPRETATIONS[found.interpret(float(number))]
                o["referenceRange"] = limits
        return o

    def labs(
        self,
        visit: Visit | None,
        when: datetime,
        codes: Iterable[str],
        given: Mapping[str, float | str] | None = None,
        *,
        minutes: int = 75,
    ) -> dict[str, float | str]:
        """Tests and panels drawn at `when`; panels become a DiagnosticReport over their members. `given` fixes
        values. Gives back the values."""
        issued = when + timedelta(minutes=minutes)
        seen: dict[str, float | str] = {}
        for code in codes:
            members = PANELS.get(code)
            results = [self._measure(visit, when, c, issued, given or {}, seen) for c in members or (code,)]
            made = [o for o in results if o]
            if members and made:
                self._report(visit, when, issued, lab_code(code), "LAB", made)
        if "CREA" in seen and self.body.age(when.date()) >= 18:
            rate = egfr(float(seen["CREA"]), self.person.sex, self.body.age(when.date()))
            self.result(visit, when, "EGFR", rate, issued)
            seen["EGFR"] = rate
        return seen

    def _measure(
        self,
        visit: Visit | None,
        when: datetime,
        code: str,
        issued: datetime,
        given: Mapping[str, float | str],
        seen: dict[str, float | str],
    ) -> Resource | None:
        value: float | str | None = given.get(code)
        if value is None and code == "HCT" and "HGB" in seen:
            value = float(seen["HGB"]) * 0.00298
        if value is None and code == "RBC":
            hgb = given.get("HGB") or seen.setdefault("HGB", self.body.value("HGB", when.date()) or 130)
            value = float(hgb) / 29.2
        if value is None and code == "LYMP" and "NEUP" in seen:
            value = max(3.0, 94 - float(seen["NEUP"]))
        if value is None and code in seen:
            value = seen[code]
        if value is None:
            value = self._word(code) or self.body.value(code, when.date())
        if value is None:
            return None
        seen[code] = value
        return self.result(visit, when, code, value, issued)

    def _word(self, code: str) -> str | None:
        r = by("labs")[code]
        return (r["ref_text_vi"] or "Bình thường") if r["kind"] == "text" else None

    def _report(
        self,
        visit: Visit | None,
        when: datetime,
        issued: datetime,
        code: Resource,
        section: str,
        results: Sequence[Resource],
        **more: Any,
    ) -> Resource:
        self._n += 1
        mark = visit.mark if visit else self.person.home
        report: Resource = {
            "resourceType": "DiagnosticReport",
            "id": stable_id(self.person.id, self._n),
            "status": "final",
            "category": [concept(s.DIAGNOSTIC_SECTION, section, {"LAB": "Laboratory", "RAD": "Radiology"}.get(section, section))],
            "code": code,
            "subject": self.subject,
            "effectiveDateTime": stamp(when),
            "issued": stamp(issued),
            "performer": [facilities.organization_reference(mark)],
        }
        if visit:
            report["encounter"] = visit.reference
        if results:
            report["result"] = [{"reference": f"Observation/{o['id']}"} for o in results]
        report.update(more)
        self.out.append(report)
        return report
