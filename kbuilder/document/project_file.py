"""The project file: one UTF-8 JSON with stable key order, made to be read by people and by git."""

from __future__ import annotations

import stat
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document.atomic import write_bytes
from kbuilder.document.consistency import contradiction
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.project import Project
from kbuilder.document.values import Value

ENDING = ".kbuilder"
FORMAT = "kbuilder project"
FORMAT_VERSION = 1
LARGEST_FILE_BYTES = 64 * 2**20

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From a format version to the function that makes the next version of a file's content."""


def save(project: Project, path: Path) -> None:
    """Write the project in one step.

    Raises:
        SaveError: it could not be written; an older file is still there.
    """
    write_bytes(path, encode(project))


def load(path: Path) -> Project:
    """Read a project file. Nothing in it is run.

    Raises:
        FileRefusedError: there is no such file, or it is not a project that can be read.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise FileRefusedError(
                f"“{path}” is a folder, device or pipe; expected a project file. Choose a file."
            )
        size = facts.st_size
        if size > LARGEST_FILE_BYTES:
            raise FileRefusedError(
                f"“{path.name}” has {size / 2**20:.0f} MB; a project file has at most "
                f"{LARGEST_FILE_BYTES // 2**20} MB. It is probably something else."
            )
        content = path.read_bytes()
    except OSError as error:
        raise FileRefusedError(f"“{path}” cannot be read: {error.strerror}.") from error
    return decode(content, path.name)


def encode(project: Project) -> bytes:
    """The content of the project file."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **plain(project)}
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def decode(content: bytes, name: str) -> Project:
    """The project in the content of a project file; ``name`` is used in messages.

    Raises:
        FileRefusedError: the content is not a project that can be read.
    """
    if not content.strip():
        raise FileRefusedError(f"“{name}” is empty. Open a copy or an older version of it.")
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileRefusedError(
            f"“{name}” is cut off or damaged, or not a kbuilder project: {error}. "
            "It was left as it is; open a copy or an older version of it."
        ) from error
    raw = _migrated(raw, name)
    try:
        project = msgspec.convert(with_extra(raw, Project), Project)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FileRefusedError(
            f"“{name}” holds something a kbuilder project cannot hold: {error}. "
            "It was left as it is; correct it with a text editor or open an older version."
        ) from error
    fault = contradiction(project.graph)
    if fault:
        raise FileRefusedError(f"“{name}” contradicts itself: {fault}. It was left as it is.")
    return project


def _migrated(raw: Any, name: str) -> dict[str, Any]:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise FileRefusedError(
            f"“{name}” is JSON, but not a kbuilder project: it does not say “format”: “{FORMAT}”."
        )
    version = raw.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise FileRefusedError(f"“{name}” does not say which format_version it has.")
    if version > FORMAT_VERSION:
        raise FileRefusedError(
            f"“{name}” was made by a newer kbuilder (format version {version}; this one reads up to "
            f"{FORMAT_VERSION}). It was left as it is; update kbuilder to open it."
        )
    for step in range(version, FORMAT_VERSION):
        raw = MIGRATIONS[step](raw)
    return {key: value for key, value in raw.items() if key not in ("format", "format_version")}


def plain(value: Any) -> Any:
    """JSON of a value: fields that differ from their default, then what was unknown on loading."""
    if isinstance(value, Value):
        fields = {
            field.name: getattr(value, field.name)
            for field in _fields(type(value))
            if field.name != "extra"
            and (field.required or getattr(value, field.name) != _default(field))
        }
        return {name: plain(item) for name, item in (fields | value.extra).items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@cache
def _fields(kind: type[Value]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Finding out the fields costs more than reading or writing a value."""
    return msgspec.structs.fields(kind)


@cache
def _hints(kind: type[Value]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def with_extra(raw: Any, kind: Any) -> Any:
    """Move keys that ``kind`` does not know into ``extra``, at any depth."""
    if isinstance(kind, type) and issubclass(kind, Value) and isinstance(raw, dict):
        hints = _hints(kind)
        known = {key: with_extra(item, hints[key]) for key, item in raw.items() if key in hints}
        extra = {key: item for key, item in raw.items() if key not in hints or key == "extra"}
        known.pop("extra", None)
        return {**known, "extra": extra} if extra else known
    inner = [argument for argument in typing.get_args(kind) if argument not in (str, type(None))]
    if isinstance(raw, list) and inner:
        return [with_extra(item, inner[0]) for item in raw]
    if isinstance(raw, dict) and typing.get_origin(kind) is dict and inner:
        return {key: with_extra(item, inner[-1]) for key, item in raw.items()}
    if isinstance(raw, dict) and inner:
        return with_extra(raw, inner[0])
    return raw
