"""The settings of the receiving side of the city's data axis."""

from __future__ import annotations

from longbien.base.config import Settings, setting


class AxisSettings(Settings):
    largest: int = setting("LONGBIEN_AXIS_BYTES", 64 << 20, "Bytes that one sending of claims may have, all its files together.")
    files: int = setting("LONGBIEN_AXIS_FILES", 200, "Files that one sending of claims may hold.")
    minutes: float = setting("LONGBIEN_AXIS_TOKEN_MINUTES", 60.0, "Minutes that the token of a hospital's system is good.")
    signature: str = setting(
        "LONGBIEN_AXIS_SIGNATURE",
        "noted",
        "Signatures of claims received: required (a file without a good one is refused) or noted (said in the answer).",
    )
    faults: str = setting(
        "LONGBIEN_AXIS_FAULTS",
        "refuse",
        "Claims received that break the field tables: refuse (the file is not taken) or note (it is taken, the faults are said).",
    )
    province: str = setting("LONGBIEN_AXIS_PROVINCE", "HN", "The value of maTinh that this axis takes; empty: any.")
