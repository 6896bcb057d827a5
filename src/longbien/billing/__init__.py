"""Billing: what was done becomes a charge by itself, the insurer's share by dated rules, the bill ready when the patient is, money
that agrees to the dong, claims that pass. Seams between its parts: lines.py."""
