"""Pictures from a folder with a subfolder for each class."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import Field, Source, bytes_of, refuse_over_budget

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}
MOST_PIXELS = 64_000_000
MOST_FILES = 1_000_000
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)
_PICTURE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    *_BOMBS,
)


@dataclass(frozen=True)
class _Found:
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    codes: tuple[int, ...]
    warnings: tuple[str, ...]


def open_images(folder: Path, size: tuple[int, int], channels: int) -> Source:
    """The pictures as field ``image`` (uint8, resized to ``size``) and the subfolders as ``label``.

    Raises:
        FileRefusedError: there are no subfolders with pictures, or a picture is broken or too large.
    """
    if channels not in _MODES:
        raise FileRefusedError(
            f"Pictures have 1 (grey), 3 (RGB) or 4 (RGBA) channels, not {channels}. Choose one of these."
        )
    found = _walk(folder)
    shape = (*size, channels)
    refuse_over_budget(folder.name, bytes_of((len(found.files), *shape), 1))
    for file in found.files:
        _refuse_by_header(folder, file)

    def read() -> np.ndarray:
        return read_pictures(folder, found.files, shape)

    def names(count: int) -> tuple[str, ...]:
        return tuple(file.name for file in found.files[:count])

    def labels(count: int) -> tuple[str, ...]:
        return tuple(found.classes[code] for code in found.codes[:count])

    codes = np.array(found.codes, np.int32)
    total = len(found.files)
    image = Field("image", total, shape, "uint8", read, names)
    label = Field("label", total, (), "text", lambda: codes, labels, found.classes)
    return Source(folder.name, (image, label), warnings=found.warnings)


def read_pictures(folder: Path, files: Sequence[Path], shape: tuple[int, int, int]) -> np.ndarray:
    """Decode and resize; (files, height, width, channels) in uint8.

    Raises:
        FileRefusedError: a picture is broken; the sentence names it.
    """
    values = np.empty((len(files), *shape), np.uint8)
    for number, file in enumerate(files):
        try:
            with _opened(file) as picture:
                upright = ImageOps.exif_transpose(picture).convert(_MODES[shape[2]])
                resized = upright.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
        except _PICTURE_ERRORS as error:
            raise _broken(folder, file, error) from error
        values[number] = np.asarray(resized).reshape(shape)
    return values


def _walk(folder: Path) -> _Found:
    if not folder.is_dir():
        raise FileRefusedError(
            f"“{folder.name}” is not a folder; expected a folder with a subfolder of pictures for each "
            "class. Choose such a folder."
        )
    links = [entry.name for entry in folder.iterdir() if entry.is_symlink() and entry.is_dir()]
    subfolders = sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    )
    if not subfolders:
        raise FileRefusedError(
            f"“{folder.name}” has no subfolders; expected one for each class, with its pictures in it. "
            "Sort the pictures into subfolders named by class."
        )
    skipped: list[str] = []
    by_class = {sub.name: _pictures_in(folder, sub, skipped) for sub in subfolders}
    filled = {name: files for name, files in by_class.items() if files}
    if not filled:
        raise FileRefusedError(
            f"“{folder.name}” has no pictures (png, jpg, gif, bmp, webp) in its subfolders. "
            "Choose another folder."
        )
    notes = [f"The linked folder “{name}” is not followed." for name in links]
    notes += [f"“{name}” has no pictures." for name, files in by_class.items() if not files]
    if skipped:
        notes.append(f"{len(skipped)} other files are skipped, such as “{skipped[0]}”.")
    files = tuple(file for group in filled.values() for file in group)
    codes = tuple(code for code, group in enumerate(filled.values()) for _ in group)
    return _Found(tuple(filled), files, codes, tuple(notes))


def _pictures_in(folder: Path, subfolder: Path, skipped: list[str]) -> list[Path]:
    found = []
    for number, file in enumerate(sorted(subfolder.iterdir())):
        if number >= MOST_FILES:
            raise FileRefusedError(
                f"“{subfolder.name}” has more than {MOST_FILES:,} files. Use fewer pictures."
            )
        regular = stat.S_ISREG(file.lstat().st_mode)
        inside = file.is_symlink() and file.resolve().is_relative_to(folder.resolve())
        if file.suffix.lower() in ENDINGS and (regular or (inside and file.is_file())):
            found.append(file)
        elif not file.name.startswith("."):
            skipped.append(f"{subfolder.name}/{file.name}")
    return found


def _refuse_by_header(folder: Path, file: Path) -> None:
    """Only the header is read; no pixel is decoded."""
    try:
        with _opened(file):
            pass
    except _PICTURE_ERRORS as error:
        raise _broken(folder, file, error) from error


def _opened(file: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        picture = Image.open(file, formats=FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise Image.DecompressionBombError
    return picture


def _broken(folder: Path, file: Path, error: Exception) -> FileRefusedError:
    reason = str(error).split(" '")[0].rstrip(".")
    if isinstance(error, UnidentifiedImageError):
        reason = "it is not a picture of a known format"
    if isinstance(error, _BOMBS):
        reason = f"it has more than {MOST_PIXELS // 10**6} million pixels"
    where = file.relative_to(folder)
    return FileRefusedError(
        f"The picture “{where}” in “{folder.name}” cannot be read: {reason}. "
        "Replace it or take it out of the folder."
    )
