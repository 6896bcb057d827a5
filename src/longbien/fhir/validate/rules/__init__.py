"""Invariants written by hand, because they are met with nearly every resource: `RULES[key]` or, where one key means
several things, `RULES["Type/key"]`. A rule takes the element (a dict) and the run's context and says whether it holds.

A rule may trip over a value of the wrong kind (TypeError and the like): whoever calls it takes that as "holds", since the
structure has been complained of already."""

from __future__ import annotations

from . import definitional, resources, types
from .words import Rule

RULES: dict[str, Rule] = {**types.RULES, **resources.RULES, **definitional.RULES}

__all__ = ["RULES", "Rule"]
