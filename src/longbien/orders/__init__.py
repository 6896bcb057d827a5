"""The orders of a hospital: what can be ordered, ordering it, and what became of it."""
