"""What a model file holds, read without Keras: configuration, state, and its HDF5 part still open."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import in_words, looks_like, refuse_over_budget, refuse_unless_file
from kbuilder.engine.file_part import part_of
from kbuilder.engine.hdf5_safety import SafeHdf5, open_safely
from kbuilder.engine.weight_files import read_names

KINDS = "a Keras model (.hdf5, .h5, .keras or .json)"
LARGEST_JSON_BYTES = 64 * 2**20
DEEPEST_JSON = 200
ARCHIVE = ".keras model"
STATE_GROUP = "kbuilder_state"
STATE_MEMBER = "kbuilder.json"
CONFIG_MEMBER = "config.json"
METADATA_MEMBER = "metadata.json"
WEIGHTS_MEMBER = "model.weights.h5"
_MEMBERS = {CONFIG_MEMBER, METADATA_MEMBER, WEIGHTS_MEMBER, STATE_MEMBER}
_OPTIMIZERS = (f"/{STATE_GROUP}/optimizer/", "/optimizer/vars/", "/optimizer_weights/")
_PIECE_BYTES = 4 * 2**20
_ALWAYS_ALLOWED_BYTES = 64 * 2**20
_MOST_EXPANSION = 100


@dataclass(frozen=True)
class OwnState:
    """What kbuilder adds to a model file: the project, the order of training, the random generators.

    ``trainable`` are the weights that the optimizer moves, in its order, as in a checkpoint. ``digests``
    are SHA-256 of the weights (with the generators) and of the optimizer's state.
    """

    project: bytes = b""
    optimizer_class: str = ""
    trainable: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    seeds: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class RawModel:
    """A model file.

    ``config`` is None in a file of weights alone, ``compiled`` in an uncompiled model, ``file`` where
    there are no weights. ``sizes`` is the number of values in each dataset of ``file``, by its place;
    ``checksum`` raises when the bytes of the weights are not those that were written.
    """

    name: str
    kind: str
    keras_version: str
    file: h5py.File | None
    config: dict[str, Any] | None
    compiled: dict[str, Any] | None
    own: OwnState | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    checksum: Callable[[], None] = lambda: None

    @property
    def is_archive(self) -> bool:
        """Whether it is a ``.keras`` file."""
        return self.kind == ARCHIVE

    @property
    def has_optimizer(self) -> bool:
        """Whether the state of an optimizer is there."""
        return any(place.startswith(_OPTIMIZERS) for place in self.sizes)

    def optimizer(self) -> list[np.ndarray]:
        """Variables of the optimizer, in its order: ours by number, Keras's by their list of names."""
        if self.file is None:
            return []
        if STATE_GROUP in self.file and "optimizer" in self.file[STATE_GROUP]:
            return _numbered(self.file[STATE_GROUP]["optimizer"])
        if "optimizer/vars" in self.file:
            return _numbered(self.file["optimizer/vars"])
        if "optimizer_weights" in self.file:
            group = self.file["optimizer_weights"]
            return [np.asarray(group[name]) for name in read_names(group, "weight_names")]
        return []


@contextmanager
def open_raw(path: Path) -> Iterator[RawModel]:
    """Open a model file by its content.

    Raises:
        FileRefusedError: it is no model, is damaged, or holds what no model needs.
    """
    refuse_unless_file(path, KINDS)
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK"):
        with _open_zip(path) as raw:
            yield raw
    elif start.startswith(b"\x89HDF"):
        with open_safely(path, path.name) as safe:
            yield _from_hdf5(path.name, safe)
    elif start.lstrip().startswith(b"{"):
        yield _from_json(path)
    else:
        found = looks_like(start) or "something else"
        raise FileRefusedError(f"“{path.name}” is {found}, expected {KINDS}. Choose such a file.")


def _from_json(path: Path) -> RawModel:
    """What ``Model.to_json`` wrote: the configuration alone. Keras 3 does not say that it is Keras 3."""
    where = f"“{path.name}”"
    if path.stat().st_size > LARGEST_JSON_BYTES:
        raise FileRefusedError(
            f"{where} has {in_words(path.stat().st_size)}. No model needs that much."
        )
    config = _json(path.read_bytes(), where)
    return RawModel(
        name=path.name,
        kind="Keras JSON",
        keras_version=str(config.get("keras_version", "3")),
        file=None,
        config=config,
        compiled=config.get("compile_config"),
    )


def _from_hdf5(name: str, safe: SafeHdf5) -> RawModel:
    file = safe.file
    weights = file.get("model_weights", file)
    version = file.attrs.get("keras_version", weights.attrs.get("keras_version", ""))
    config = _attribute_json(file, "model_config", name)
    return RawModel(
        name=name,
        kind="HDF5 model" if config is not None else "HDF5 weights",
        keras_version=_text(version),
        file=file,
        config=config,
        compiled=_attribute_json(file, "training_config", name),
        own=_own_state(file, name),
        sizes=safe.sizes,
    )


def _own_state(file: h5py.File, name: str) -> OwnState | None:
    if STATE_GROUP not in file:
        return None
    group = file[STATE_GROUP]
    header = _attribute_json(group, "header", name) or {}
    seeds = group.get("seeds", {})
    return OwnState(
        project=_text(group.attrs.get("project", "")).encode(),
        optimizer_class=str(header.get("optimizer_class", "")),
        trainable=tuple(str(key) for key in header.get("trainable", ())),
        digests=tuple(str(digest) for digest in header.get("digests", ())),
        seeds={
            str(key): np.asarray(seeds[str(number)])
            for number, key in enumerate(header.get("seeds", ()))
            if str(number) in seeds
        },
    )


@contextmanager
def _damages_told(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FileRefusedError(
            f"“{name}” is cut off or damaged ({error}). It was left as it is; use another copy."
        ) from error


@contextmanager
def _open_zip(path: Path) -> Iterator[RawModel]:
    name = path.name
    with _damages_told(name), zipfile.ZipFile(path) as archive:
        _refuse_odd_members(archive, name)
        config = _member_json(archive, CONFIG_MEMBER, name)
        metadata = _member_json(archive, METADATA_MEMBER, name) or {}
        added = _member_json(archive, STATE_MEMBER, name)
        weights = _weights(archive, path)
    if config is None or weights is None:
        raise FileRefusedError(
            f"“{name}” is a zip archive without a Keras model in it. Choose {KINDS}."
        )
    with weights, open_safely(weights, name) as safe:
        yield RawModel(
            name=name,
            kind=ARCHIVE,
            keras_version=str(metadata.get("keras_version", "")),
            file=safe.file,
            config=config,
            compiled=config.get("compile_config"),
            own=_zipped_state(added),
            sizes=safe.sizes,
            checksum=lambda: _compare_checksum(path),
        )


def _weights(archive: zipfile.ZipFile, path: Path) -> BinaryIO | None:
    """The weights as a file: a part of the archive where they are stored as they are, else unpacked."""
    if WEIGHTS_MEMBER not in archive.namelist():
        return None
    member = archive.getinfo(WEIGHTS_MEMBER)
    if member.compress_type != zipfile.ZIP_STORED:
        return io.BytesIO(_member(archive, WEIGHTS_MEMBER) or b"")
    with archive.open(member) as stream:  # compares the two headers of the member
        stream.read(1)
    return part_of(path, member.header_offset, member.file_size)


def _compare_checksum(path: Path) -> None:
    """Read the weights in the archive once from end to end, as unpacking does.

    Raises:
        FileRefusedError: they are not the bytes that were written.
    """
    with (
        _damages_told(path.name),
        zipfile.ZipFile(path) as archive,
        archive.open(WEIGHTS_MEMBER) as stream,
    ):
        while stream.read(_PIECE_BYTES):
            pass


def _zipped_state(added: dict[str, Any] | None) -> OwnState | None:
    if added is None:
        return None
    seeds = added.get("seeds", {})
    return OwnState(
        project=json.dumps(added.get("project")).encode() if added.get("project") else b"",
        optimizer_class=str(added.get("optimizer_class", "")),
        trainable=tuple(str(key) for key in added.get("trainable", ())),
        digests=tuple(str(digest) for digest in added.get("digests", ())),
        seeds={key: np.array(values, np.int64) for key, values in seeds.items()},
    )


def _refuse_odd_members(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise FileRefusedError(f"“{name}” has two members of the same name. It is damaged.")
    for member in members:
        place = member.filename
        if place not in _MEMBERS and not place.startswith("assets/"):
            raise FileRefusedError(
                f"“{name}” holds “{place[:60]}”, which is not part of a Keras model. The file is not opened; "
                "ask where it comes from."
            )
        allowed = max(_ALWAYS_ALLOWED_BYTES, _MOST_EXPANSION * member.compress_size)
        if member.file_size > allowed:
            raise FileRefusedError(
                f"“{name}”, member “{place}”, claims {in_words(member.file_size)}, far more than is stored. "
                "The file is not opened; ask where it comes from."
            )
    refuse_over_budget(name, 2 * sum(member.file_size for member in members))


def _member(archive: zipfile.ZipFile, member: str) -> bytes | None:
    if member not in archive.namelist():
        return None
    with archive.open(member) as stream:
        return stream.read(archive.getinfo(member).file_size)


def _member_json(archive: zipfile.ZipFile, member: str, name: str) -> dict[str, Any] | None:
    content = _member(archive, member)
    return None if content is None else _json(content, f"“{name}”, {member},")


def _attribute_json(group: h5py.Group, attribute: str, name: str) -> dict[str, Any] | None:
    if attribute not in group.attrs:
        return None
    return _json(_text(group.attrs[attribute]).encode(), f"“{name}”, {attribute},")


def _json(content: bytes, where: str) -> dict[str, Any]:
    if len(content) > LARGEST_JSON_BYTES:
        raise FileRefusedError(f"{where} has {in_words(len(content))}. No model needs that much.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileRefusedError(
            f"{where} is not JSON that can be read ({type(error).__name__}). It is damaged."
        ) from error
    if not isinstance(found, dict):
        raise FileRefusedError(f"{where} is not a description of a model. It is damaged.")
    _refuse_deep(found, where)
    return found


def _refuse_deep(value: Any, where: str) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST_JSON:
            raise FileRefusedError(
                f"{where} is nested deeper than {DEEPEST_JSON} levels. No model needs that."
            )
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]


def _numbered(group: Any) -> list[np.ndarray]:
    return [np.asarray(group[str(number)]) for number in range(len(group))]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
