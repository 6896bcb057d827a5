"""Signatures: whose keys, what their certificates are worth now, and how they come into a PDF."""
