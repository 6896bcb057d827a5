"""Longbien: the open-source health record for a city."""

__version__ = "0.1.0"
