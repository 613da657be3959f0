"""The one writer for everything saved: the old file or the new one, never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from kbuilder.document.errors import SaveError

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up. Free some space or choose another folder",
    errno.EFBIG: "the file would be larger than this system allows. Choose another folder",
    errno.EACCES: "you may not write there. Choose another folder",
    errno.EPERM: "you may not write there. Choose another folder",
    errno.EROFS: "the folder is read-only. Choose another folder",
    errno.ENOENT: "the folder does not exist. Choose another folder",
    errno.ENOTDIR: "part of the path is a file, not a folder. Choose another folder",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one",
    errno.EISDIR: "a folder has this name. Choose another name",
    errno.EIO: "the drive reported an error. Choose another drive",
}


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have ``write`` make a file, then put it in the place of ``path`` in one step.

    ``write`` gets a temporary path in the same folder that ends like ``path``. The content is on disk
    before the name is, and the name before this returns.

    Raises:
        SaveError: it could not be written; what stood at ``path`` before still does.
    """
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise save_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_folder_atomically(path: Path, write: Callable[[Path], None], mark: str) -> None:
    """Have ``write`` make a folder, then put it in the place of ``path``.

    A folder that stands there is moved aside first and removed at the end, so that there is always a
    complete one, for a moment under its temporary name. Only one that is empty or holds the file
    ``mark`` is replaced.

    Raises:
        SaveError: it could not be written; what stood at ``path`` before still does.
    """
    if path.exists() and not (
        path.is_dir() and (not any(path.iterdir()) or (path / mark).exists())
    ):
        raise SaveError(
            f"“{path.name}” was not saved in “{path.parent}”: what has this name holds something else. "
            "Choose another name."
        )
    new, old = (path.with_name(f".{secrets.token_hex(4)}.{path.name}") for _ in range(2))
    try:
        write(new)
        for file in (*new.rglob("*"), new):
            _sync(file)
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        _sync(path.parent)
    except OSError as error:
        raise save_error(path, error) from error
    finally:
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step.

    Raises:
        SaveError: as for ``write_atomically``.
    """

    def write(temporary: Path) -> None:
        with temporary.open("xb") as file:
            file.write(content)

    write_atomically(path, write)


def save_error(path: Path, error: OSError) -> SaveError:
    """Why a file could not be written, as a sentence with what to do."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return SaveError(f"“{path.name}” was not saved in “{path.parent}”: {reason}.")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
