"""From a file and the environment to settings, and what is wrong with them by line and column."""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gerbang.errors import Place, SettingsError, one_of, reason
from gerbang.settings.checking import (
    Steps,
    Where,
    check,
)
from gerbang.settings.sections import (
    AlertSettings,
    Settings,
)

PREFIX = "GERBANG_"
NOT_SETTINGS = frozenset(
    {"GERBANG_CONFIG", "GERBANG_CA_PASSPHRASE", "GERBANG_CONSOLE_PASSWORD", "GERBANG_OFFICER_PASSWORD"}
)
DEFAULT_FILE = "gerbang.toml"


def load_settings(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file and the environment.

    Without `file`, `gerbang.toml` of the current folder is read where it exists, and else the defaults stand.
    Raises `SettingsError`.
    """
    source = file or Path(DEFAULT_FILE)
    found = _read(source) if file is not None or source.exists() else ("", {})
    text, data = found
    variables = {
        tuple(name.removeprefix(PREFIX).lower().split("__")): (name, value)
        for name, value in sorted((os.environ if environment is None else environment).items())
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    merged = _merge(data, _from_environment(variables))

    def where(path: Steps) -> Place | None:
        """The variable that a value comes from, or else its line of the file."""
        keys = tuple(part for part in path if isinstance(part, str))
        name = next((name for own, (name, _) in variables.items() if own == keys[: len(own)]), None)
        return Place(name) if name else _place(source, text, path)

    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _settings_error(error, where) from None
    check(settings, where)
    return _rooted(settings, source.parent)


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"there is no settings file `{file}`", hint="name one with `--config`, or run `gerbang init`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "run this as the user that the gate runs as" if isinstance(error, PermissionError) else None
        raise SettingsError(f"the settings file cannot be read: {why}", place=Place(str(file)), hint=hint) from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        what = str(error).split(" (at ")[0]
        where = Place(str(file), int(place[1]), int(place[2])) if place else Place(str(file))
        raise SettingsError(f"this is no TOML: {what[:1].lower()}{what[1:]}", place=where) from None


def _from_environment(variables: Mapping[tuple[str, ...], tuple[str, str]]) -> dict[str, Any]:
    """`GERBANG_GATE__LISTEN=...` as `{"gate": {"listen": ...}}`."""
    data: dict[str, Any] = {}
    for (*sections, key), (name, value) in variables.items():
        for length in range(1, len(sections) + 1):
            if outer := variables.get(tuple(sections[:length])):
                raise SettingsError(f"`{outer[0]}` and `{name}` cannot both be set", hint="take one of them out")
        if (*sections, key)[0] not in Settings.model_fields:
            known = (PREFIX + field.upper() for field in Settings.model_fields)
            raise SettingsError(f"unknown environment variable `{name}`", hint=one_of(known, name))
        place = data
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = json.loads(value) if _is_json(value) else value
    return data


def _is_json(value: str) -> bool:
    if value[:1] not in {"[", "{"}:
        return False
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _settings_error(error: ValidationError, where: Where) -> SettingsError:
    first = error.errors()[0]
    path = tuple(part for part in first["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    name = _dotted(path)
    place = where(path)
    key = str(path[-1])
    match first["type"]:
        case "extra_forbidden":
            return SettingsError(f"unknown setting `{name}`", place=place, hint=one_of(_siblings(path), key))
        case "missing":
            return SettingsError(f"the setting `{name}` is missing", place=place, hint=f"add `{key} = ...` there")
        case "literal_error" | "enum":
            expected = re.findall(r"'([^']+)'", str(first.get("ctx", {}).get("expected", "")))
            given = str(first["input"])
            return SettingsError(f"`{given}` will not do for `{name}`", place=place, hint=one_of(expected, given))
        case "value_error":
            return SettingsError(f"`{name}`: {first['msg'].removeprefix('Value error, ')}", place=place)
        case _:
            return SettingsError(f"`{first['input']!s:.80}` will not do for `{name}`: {_plain(first)}", place=place)


def _plain(error: Mapping[str, Any]) -> str:
    wants = {
        "string_type": "a text is expected",
        "string_too_short": "a text is expected that is not empty",
        "string_pattern_mismatch": "small letters, digits and hyphens are expected",
        "bool_type": "`true` or `false` is expected",
        "bool_parsing": "`true` or `false` is expected",
        "int_type": "a whole number is expected",
        "int_parsing": "a whole number is expected",
        "tuple_type": "a list is expected",
        "too_short": "at least one entry is expected",
        "too_long": "those are too many",
        "model_type": "a table is expected",
        "mapping_type": "a table is expected",
        "dict_type": "a table is expected",
        "path_type": "a path is expected",
    }
    context = error.get("ctx", {})
    if error["type"] in {"greater_than_equal", "less_than_equal"}:
        return f"it must be at {'least' if 'ge' in context else 'most'} {context.get('ge', context.get('le'))}"
    return wants.get(error["type"], "it has the wrong form")


def _dotted(path: Steps) -> str:
    """`("zones", 0, "device")` as `zones[1].device`, counting from 1 as people do."""
    name = ""
    for part in path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def _siblings(path: Steps) -> tuple[str, ...]:
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation) or model
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_of(part))), None)


def _place(file: Path, text: str, path: Steps) -> Place | None:
    """The line of a key. tomllib keeps no positions, so the section's header is looked for, then the key below it."""
    if not text:
        return None
    lines = text.splitlines()
    keys = [part for part in path if isinstance(part, str)]
    start, end, named = 0, len(lines), 0
    for at, part in enumerate(path):
        if not isinstance(part, str):
            continue
        depth = sum(isinstance(key, str) for key in path[: at + 1])
        header = r"^\s*\[{1,2}\s*" + r"\s*\.\s*".join(re.escape(key) for key in keys[:depth]) + r"\s*\]{1,2}"
        found = [index for index in range(start, end) if re.match(header, lines[index])]
        if found:
            following = path[at + 1] if at + 1 < len(path) else 0
            chosen = min(following if isinstance(following, int) else 0, len(found) - 1)
            start, end, named = found[chosen], (*found, end)[chosen + 1], depth
    keys = keys[named:]
    for index in range(start, end):
        if keys and (key := re.match(rf"^\s*(?:[\w-]+\s*\.\s*)*[\"']?{re.escape(keys[-1])}[\"']?\s*=", lines[index])):
            return Place(str(file), index + 1, key.start() + 1)
        if index > start and re.match(r"^\s*\[", lines[index]) and start:
            break
    return Place(str(file), start + 1)


def _rooted(settings: Settings, folder: Path) -> Settings:
    """The same settings with each relative path taken from the folder of the settings file."""

    def rooted(path: Path | None) -> Path | None:
        return None if path is None else (folder / path.expanduser()).absolute()

    upstream = settings.gate.upstream
    return settings.model_copy(
        update={
            "state": rooted(settings.state),
            "policies": tuple(p if p == "bundled" else str(rooted(Path(p))) for p in settings.policies),
            "gate": settings.gate.model_copy(
                update={
                    "upstream": upstream.model_copy(update={"trusted_ca": rooted(upstream.trusted_ca)}),
                    "tls_certificate": rooted(settings.gate.tls_certificate),
                    "tls_key": rooted(settings.gate.tls_key),
                }
            ),
            "zones": tuple(zone.model_copy(update={"htpasswd": rooted(zone.htpasswd)}) for zone in settings.zones),
            "ldap": settings.ldap.model_copy(
                update={"ca": rooted(settings.ldap.ca), "password_file": rooted(settings.ldap.password_file)}
            ),
            "kerberos": settings.kerberos.model_copy(update={"keytab": rooted(settings.kerberos.keytab)}),
            "alerts": tuple(_rooted_alert(alert, rooted) for alert in settings.alerts),
            "database": settings.database.model_copy(update={"url": _rooted_url(settings.database.url, folder)}),
            "journal": settings.journal.model_copy(
                update={"folder": rooted(settings.journal.folder), "witness": rooted(settings.journal.witness)}
            ),
        }
    )


def _rooted_alert(alert: AlertSettings, rooted: Callable[[Path | None], Path | None]) -> AlertSettings:
    files = {"email": ("password_file", "ca"), "webhook": ("secret_file", "ca")}
    return alert.model_copy(
        update={
            way: part.model_copy(update={key: rooted(getattr(part, key)) for key in keys})
            for way, keys in files.items()
            if (part := getattr(alert, way)) is not None
        }
    )


def _rooted_url(url: str | None, folder: Path) -> str | None:
    """The address of a database, with the file of a relative SQLite one taken from that folder too."""
    scheme = "sqlite:///"
    if url is None or not url.startswith(scheme) or url.removeprefix(scheme) in {"", ":memory:"}:
        return url
    return scheme + str((folder / url.removeprefix(scheme)).absolute())
