"""OperationOutcome: the face of issues for machines. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..base.errors import Issue
from .validate.markup import ACTIVE


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """An OperationOutcome of these issues; where there is none, one that says that all is well."""
    found = [_issue(i) for i in issues]
    return {"resourceType": "OperationOutcome", "issue": found or [_issue(ALL_OK)]}


ALL_OK = Issue("information", "informational", "All OK")


def _issue(issue: Issue) -> dict[str, Any]:
    text = _harmless(issue.text)
    said: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": text or "Unknown fault"},
    }
    if issue.expression:
        said["expression"] = [_harmless(issue.expression)]
    return said


def _harmless(text: str) -> str:
    """Texts quote the input: what no FHIR string may hold is shown as a replacement character, a script as a quotation."""
    shown = "".join(ch if ch.isprintable() or ch in "\n\r\t" else "\N{REPLACEMENT CHARACTER}" for ch in text)
    return ACTIVE.sub(lambda tag: tag[0].replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"), shown)
