"""The settings of the FHIR face."""

from __future__ import annotations

from longbien.base.config import Settings, setting

MEGABYTE = 1 << 20


class RestSettings(Settings):
    max_body: int = setting(
        "LONGBIEN_MAX_BODY", 64 * MEGABYTE, "Bytes that the body of one FHIR request may have (after unpacking)."
    )
    import_bytes: int = setting(
        "LONGBIEN_IMPORT_BYTES", 20_000 * MEGABYTE, "Bytes that one file of a bulk import ($import) may have, sent or fetched."
    )
    max_entries: int = setting("LONGBIEN_MAX_ENTRIES", 20_000, "Entries that one transaction or batch may have.")
    base_url: str = setting(
        "LONGBIEN_BASE_URL",
        "",
        "The address of this FHIR server as others see it (https://host/fhir); empty: as each request says.",
    )
    body_seconds: float = setting("LONGBIEN_BODY_SECONDS", 120.0, "Seconds that a client may take to send a request's body.")
    export_hours: float = setting("LONGBIEN_EXPORT_HOURS", 24.0, "Hours that the files of a bulk export are kept.")
