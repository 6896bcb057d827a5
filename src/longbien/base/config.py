"""Settings are declared where they are used and read once, in app.py. Each has an environment name, a default and help;
docs/settings.md is written from this registry (`python -m longbien.base.config`) and a test holds it to that.

    class WebSettings(Settings):
        port: int = setting("LONGBIEN_PORT", 8000, "The port of the web server.")

    web = WebSettings.read()                      # from os.environ
    web = WebSettings.read({"LONGBIEN_PORT": "9000"})

Any of them may stand in a file instead, named by its name with _FILE after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

from .errors import Invalid


@dataclass(frozen=True)
class Declared:
    env: str
    default: Any
    help: str
    owner: str = ""
    type: str = ""


REGISTRY: dict[str, Declared] = {}


def setting(env: str, default: Any, help: str) -> Any:
    """Declare a setting: its environment variable, default and a sentence of help."""
    return field(default=default, metadata={"declared": Declared(env, default, help)})


def _parse(env: str, raw: str, kind: Any) -> Any:
    base = str(kind).replace(" | None", "")
    try:
        if kind is bool or "bool" in base:
            if raw.lower() not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
                raise ValueError("say true or false")
            return raw.lower() in ("1", "true", "yes", "on")
        if kind is int or "int" in base:
            return int(raw)
        if kind is float or "float" in base:
            return float(raw)
        if "Path" in base:
            return Path(raw).expanduser()
        return raw
    except ValueError as why:
        raise Invalid(f"{env}={raw!r} cannot be used: {why}") from None


def _of_file(env: Mapping[str, str], name: str) -> str | None:
    """What stands in the file that NAME_FILE names, for secrets that shall be in no environment. Raises Invalid."""
    path = env.get(name + "_FILE")
    if not path:
        return None
    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as why:
        raise Invalid(f"{name}_FILE={path} cannot be read: {type(why).__name__}") from None


class Settings:
    """Base of every settings class; subclasses become frozen dataclasses."""

    __declared__: ClassVar[dict[str, Declared]] = {}

    def __init_subclass__(cls, **kw: Any) -> None:
        super().__init_subclass__(**kw)
        dataclass(frozen=True)(cls)
        hints = get_type_hints(cls)
        cls.__declared__ = {}
        for name, f in cls.__dataclass_fields__.items():  # type: ignore[attr-defined]
            d = f.metadata.get("declared")
            if d:
                owner = cls.__module__.removeprefix("longbien.")
                d = Declared(d.env, d.default, d.help, owner, str(hints[name]))
                cls.__declared__[name] = d
                REGISTRY[d.env] = d

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None, **given: Any) -> Self:
        """From the environment; keyword arguments (from the command line) win when they are not None."""
        env = os.environ if env is None else env
        hints = get_type_hints(cls)
        values: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        for name, d in cls.__declared__.items():
            raw = env.get(d.env) or _of_file(env, d.env)
            if name not in values and raw not in (None, ""):
                values[name] = _parse(d.env, str(raw), hints[name])
        return cls(**values)
