"""Settings of signing."""

from __future__ import annotations

from pathlib import Path

from longbien.base.config import Settings, setting


class SigningSettings(Settings):
    roots: Path | None = setting(
        "LONGBIEN_SIGNING_ROOTS",
        None,
        "A PEM file with the certificates of the authorities whose signatures count (the national root, those of the certificate "
        "providers, of the time stamp service). Empty: only the training authority of a demo counts.",
    )
    timestamp: str = setting(
        "LONGBIEN_SIGNING_TIMESTAMP",
        "",
        "Address of a time stamp service (RFC 3161). Empty: signatures carry this server's own time, and say so.",
    )
    training: bool = setting(
        "LONGBIEN_SIGNING_TRAINING",
        False,
        "Let this house issue training certificates, worth nothing outside it, also where the record is not the demo city.",
    )
