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
    password_length: int = setting(
        "LONGBIEN_PASSWORD_LENGTH",
        14,
        "Characters of a staff password from which on no second factor is asked for (TCVN 14423: a second factor, or 14).",
    )
    second_factor_roles: str = setting(
        "LONGBIEN_SECOND_FACTOR_ROLES", "it", "Roles that always need a second factor, comma between; *: all staff, none: nobody."
    )
    demo: bool = setting("LONGBIEN_DEMO", True, "Whether the accounts of the demo city may sign in, where there are any.")
    lock_minutes: float = setting(
        "LONGBIEN_LOCK_MINUTES", 5.0, "Minutes without anybody at the keyboard after which a staff screen is locked; 0: never."
    )
    badge_hours: float = setting(
        "LONGBIEN_BADGE_HOURS", 12.0, "Hours after a full sign-in that a badge and a PIN are enough, on a computer of the facility."
    )
    pin_tries: int = setting("LONGBIEN_PIN_TRIES", 5, "Wrong PINs after which only a full sign-in helps.")
    idle_days: int = setting(
        "LONGBIEN_IDLE_DAYS", 45, "Days without a sign-in after which a staff account is disabled (TCVN 14423); 0: never."
    )
    invitation_hours: float = setting("LONGBIEN_INVITATION_HOURS", 72.0, "Hours that the link of an invitation is good.")
    secret_key: str = setting(
        "LONGBIEN_SECRET_KEY",
        "",
        "Keys that seal the seeds of one-time codes and badge numbers: 32 bytes in base64url each, comma between; the first seals, "
        "all open. Empty: the file `secrets/sign-in.key` of the data folder, made when first needed.",
    )
    address: str = setting(
        "LONGBIEN_ADDRESS",
        "",
        "The address of these pages as browsers see it (https://host), for passkeys, invitations and identity providers. Empty: as "
        "each request says.",
    )
    oidc: str = setting(
        "LONGBIEN_OIDC", "", "Identity providers: JSON, or the path of a JSON file (docs/howto/sign-in.md). Empty: none."
    )
    trusted_proxies: str = setting(
        "LONGBIEN_TRUSTED_PROXIES",
        "",
        "Reverse proxies, as addresses or networks (10.0.0.0/8, comma between), whose X-Forwarded-For and -Proto are believed.",
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
