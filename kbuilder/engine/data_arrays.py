"""Arrays from ``.npz`` and ``.npy`` files, with their headers judged before anything is allocated."""

from __future__ import annotations

import itertools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import (
    Field,
    Source,
    bytes_of,
    looks_like,
    refuse_over_budget,
    refuse_unless_file,
)

MOST_MEMBERS = 4096
Opener = Callable[[], AbstractContextManager[IO[bytes]]]
_ALLOWED_KINDS = "biufSU"
_READ_ERRORS = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    length: int  # bytes before the data


def open_arrays(path: Path, targets_path: Path | None = None) -> Source:
    """The arrays of an ``.npz``, or one or two ``.npy`` files as fields ``x`` and ``y``.

    Raises:
        FileRefusedError: a file is not what it claims to be, is damaged, or too large.
    """
    size = refuse_unless_file(path, "an .npz or .npy file")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return Source(path.name, _members(path))
    if not start.startswith(npy.MAGIC_PREFIX):
        found = looks_like(start) or "something else"
        raise FileRefusedError(
            f"“{path.name}” is {found}, not NumPy arrays (.npz or .npy). Choose such a file, or "
            "another kind of data."
        )
    fields = [_array_file(path, "x", size)]
    if targets_path is not None:
        size = refuse_unless_file(targets_path, "an .npy file with the targets")
        fields.append(_array_file(targets_path, "y", size))
    return Source(path.name, tuple(fields))


def _array_file(path: Path, name: str, size: int) -> Field:
    def start() -> IO[bytes]:
        return path.open("rb")

    return _field(path.name, name, size, start)


def _members(path: Path) -> tuple[Field, ...]:
    """One field for each array; sizes are added up, and nothing is unpacked yet."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _READ_ERRORS as error:
        raise _damaged(path.name, error) from error
    _refuse_odd_archive(path, members)
    fields = []
    for member in members:
        if member.filename.endswith(".npy"):
            name = member.filename.removesuffix(".npy")
            fields.append(_field(path.name, name, member.file_size, _opener(path, member)))
    if not fields:
        raise FileRefusedError(
            f"“{path.name}” is a zip archive without arrays. Choose a file made by numpy.savez."
        )
    refuse_over_budget(
        path.name, sum(bytes_of((f.samples, *f.shape), _item_bytes(f)) for f in fields)
    )
    return tuple(fields)


def _item_bytes(field: Field) -> int:
    return np.dtype(field.dtype).itemsize if field.dtype != "text" else 64


def _opener(path: Path, member: zipfile.ZipInfo) -> Opener:
    @contextmanager
    def start() -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            yield stream

    return start


def _refuse_odd_archive(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse what only a damaged or hostile archive has."""
    names = [member.filename for member in members]
    reason = ""
    if len(members) > MOST_MEMBERS:
        reason = f"has {len(members)} members; at most {MOST_MEMBERS} are read"
    elif len(set(names)) != len(names):
        reason = "has two members of the same name"
    elif any(member.flag_bits & 1 for member in members):
        reason = "is encrypted"
    elif any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        reason = "is packed in a way that NumPy does not use"
    elif _overlap(members):
        reason = "has members that overlap, as only a damaged or hostile archive has"
    if reason:
        raise FileRefusedError(f"“{path.name}” {reason}. Write it again with numpy.savez.")


def _overlap(members: list[zipfile.ZipInfo]) -> bool:
    spans = sorted((m.header_offset, m.header_offset + 30 + m.compress_size) for m in members)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(spans))


def _field(file: str, name: str, size: int, start: Opener) -> Field:
    where = f"“{file}”, array “{name}”"
    try:
        with start() as stream:
            header = _header(stream)
    except _READ_ERRORS as error:
        raise _damaged(file, error) from error
    _refuse_header(where, header, size)
    refuse_over_budget(file, bytes_of(header.shape, header.dtype.itemsize))

    def read() -> np.ndarray:
        return _values(where, header, start)

    return (
        _text_field(name, header, read)
        if header.dtype.kind in "SU"
        else _number_field(name, header, read)
    )


def _header(stream: IO[bytes]) -> _Header:
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        # Version 3 differs from 2 only in the encoding of field names, which no plain array has.
        raise ValueError(f"array format {version} is not known")
    shape, fortran_order, dtype = readers[version](stream)
    return _Header(shape, fortran_order, dtype, stream.tell())


def _refuse_header(where: str, header: _Header, size: int) -> None:
    dtype = header.dtype
    if dtype.hasobject:
        raise FileRefusedError(
            f"{where} holds Python objects (pickle), which could run code and is never loaded. "
            "Save it as numbers or text."
        )
    if dtype.kind not in _ALLOWED_KINDS:
        raise FileRefusedError(
            f"{where} has dtype {dtype}, expected numbers, booleans or text. Save it as one of these."
        )
    if not header.shape or not header.shape[0]:
        raise FileRefusedError(
            f"{where} has shape {header.shape}, so it has no samples. The first dimension must be "
            "the samples."
        )
    expected = header.length + bytes_of(header.shape, dtype.itemsize)
    if expected != size:
        raise FileRefusedError(
            f"{where} is cut off or damaged: shape {header.shape} of {dtype} needs {expected} bytes "
            f"and {size} are there. Write the file again."
        )


def _values(where: str, header: _Header, start: Opener) -> np.ndarray:
    length = bytes_of(header.shape, header.dtype.itemsize)
    try:
        with start() as stream:
            stream.read(header.length)
            content = stream.read(length + 1)  # one more: a zip checks its sum at the end
    except _READ_ERRORS as error:
        raise _damaged(where, error) from error
    if len(content) != length:
        raise FileRefusedError(f"{where} is cut off or damaged. Write the file again.")
    flat = np.frombuffer(content, header.dtype)
    values = flat.reshape(header.shape, order="F" if header.fortran_order else "C")
    return _native(values)


def _native(values: np.ndarray) -> np.ndarray:
    """Numbers as TensorFlow takes them: this machine's byte order, at most 32 bit for floats."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 4:
        return values.astype(np.float32)
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))


def _number_field(name: str, header: _Header, read: Callable[[], np.ndarray]) -> Field:
    wide = header.dtype.kind == "f" and header.dtype.itemsize > 4
    dtype = "float32" if wide else header.dtype.newbyteorder("=").name

    def cells(count: int) -> tuple[str, ...]:
        return tuple(cell(value) for value in read()[:count])

    return Field(name, header.shape[0], header.shape[1:], dtype, read, cells)


def cell(value: np.ndarray) -> str:
    """A sample in a few letters: its value, or its size and range."""
    if not value.shape:
        return f"{value.item():.6g}" if value.dtype.kind == "f" else str(value.item())
    size = "×".join(str(length) for length in value.shape)
    return f"{size}, {value.min():.4g} to {value.max():.4g}" if value.size else size


def _text_field(name: str, header: _Header, read: Callable[[], np.ndarray]) -> Field:
    """Text as class codes: the classes are the different texts in order."""
    words = read()
    texts = (
        words.astype(str) if words.dtype.kind == "U" else np.char.decode(words, "utf-8", "replace")
    )
    classes, codes = np.unique(texts, return_inverse=True)
    codes = codes.reshape(texts.shape).astype(np.int32)

    def cells(count: int) -> tuple[str, ...]:
        return tuple(str(text) for text in texts[:count])

    return Field(
        name,
        header.shape[0],
        header.shape[1:],
        "text",
        lambda: codes,
        cells,
        tuple(str(text) for text in classes),
    )


def _damaged(file: str, error: Exception) -> FileRefusedError:
    name = file if file.startswith("“") else f"“{file}”"
    return FileRefusedError(f"{name} is cut off or damaged ({error}). Write the file again.")
