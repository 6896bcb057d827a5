"""The settings of the door."""

from __future__ import annotations

from longbien.base.config import Settings, setting


class AccessSettings(Settings):
    care_days: int = setting(
        "LONGBIEN_CARE_DAYS", 90, "Days after the end of an encounter that its facility's staff may still open the record."
    )
    purpose_hours: float = setting("LONGBIEN_PURPOSE_HOURS", 4.0, "Hours that a stated purpose opens a patient's record.")
    share: str = setting(
        "LONGBIEN_SHARE",
        "share",
        "What another facility that cares for the patient sees where the patient has said nothing: share (what is in no sensitive "
        "category) or ask (nothing).",
    )
    share_categories: str = setting(
        "LONGBIEN_SHARE_CATEGORIES",
        "",
        "Sensitive categories that other facilities see unasked: hiv mental drug reproductive adolescent restricted.",
    )
    share_not_from: str = setting(
        "LONGBIEN_SHARE_NOT_FROM", "", "Facilities (Organization ids) whose records are shared only where the patient has said so."
    )
    withheld_told: str = setting(
        "LONGBIEN_WITHHELD_TOLD",
        "ordinary mental drug reproductive adolescent restricted",
        "Categories of which a reader may be told that something is withheld (never which). Not HIV: law 64/2006/QH11.",
    )
    glass_hours: float = setting("LONGBIEN_GLASS_HOURS", 4.0, "Hours that a broken glass opens a record, at most.")
    cover_days: int = setting("LONGBIEN_COVER_DAYS", 14, "Days at most that somebody may stand in for a colleague or a department.")
    session_hours: float = setting("LONGBIEN_SESSION_HOURS", 12.0, "Hours after which a sign-in ends whatever happens.")
    idle_minutes: float = setting("LONGBIEN_IDLE_MINUTES", 30.0, "Minutes without a request after which a sign-in ends.")
    password_time: int = setting("LONGBIEN_PASSWORD_TIME", 3, "Passes of argon2id over its memory.")
    password_memory: int = setting("LONGBIEN_PASSWORD_MEMORY", 65536, "Memory of argon2id in KiB (RFC 9106: 65536).")
    password_at_once: int = setting("LONGBIEN_PASSWORD_AT_ONCE", 2, "Passwords that one process checks at the same time.")
    free_tries: int = setting("LONGBIEN_FREE_TRIES", 5, "Wrong passwords for a login from one address before it has to wait.")
    free_tries_login: int = setting(
        "LONGBIEN_FREE_TRIES_LOGIN", 30, "Wrong passwords for a login from anywhere before it has to wait."
    )
    free_tries_address: int = setting(
        "LONGBIEN_FREE_TRIES_ADDRESS", 100, "Wrong passwords from one address (a hospital may share one) before it has to wait."
    )
    longest_wait: int = setting("LONGBIEN_LONGEST_WAIT", 900, "Seconds that wrong passwords make somebody wait at most.")
    trusted_proxies: str = setting(
        "LONGBIEN_TRUSTED_PROXIES", "", "Networks (10.0.0.0/8, comma between) whose X-Forwarded-For and -Proto are believed."
    )
    cert_header: str = setting(
        "LONGBIEN_CLIENT_CERT_HEADER",
        "client-cert",
        "Header in which a trusted proxy passes the client's certificate: as RFC 9440 has it, or as escaped PEM.",
    )
    app_minutes: float = setting("LONGBIEN_APP_MINUTES", 60.0, "Minutes that an app's access token is good.")
    machine_minutes: float = setting("LONGBIEN_MACHINE_MINUTES", 5.0, "Minutes that a backend service's access token is good.")
    app_days: float = setting("LONGBIEN_APP_DAYS", 90.0, "Days after which a person is asked anew whether an app may go on.")
    app_registration: bool = setting(
        "LONGBIEN_APP_REGISTRATION", False, "Whether apps may register themselves (RFC 7591); else administrators register them."
    )
