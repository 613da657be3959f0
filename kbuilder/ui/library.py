"""Blocks that can be put on the canvas: the bundled templates, and those the user has kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QFile, QObject, QStandardPaths, Signal

from kbuilder.document import fragment_json
from kbuilder.document.atomic import write_bytes
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.fragment import Fragment
from kbuilder.document.naming import FreeNames
from kbuilder.document.templates import load_templates

TEMPLATES, BLOCKS, MINE = "Templates", "Blocks", "My blocks"
LONGEST_TITLE = 60


@dataclass(frozen=True)
class Piece:
    """Something to put on the canvas. ``fault`` says why it cannot be; ``path`` is that of a user's own."""

    title: str
    family: str
    help: str
    fragment: Callable[[], Fragment]
    path: Path | None = None
    fault: str = ""


class BlockLibrary(QObject):
    """The user's blocks: one JSON file each, in a folder that every project sees."""

    changed = Signal()

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder or default_folder()

    def pieces(self) -> tuple[Piece, ...]:
        """Templates, bundled blocks and the user's own, in the order in which they are offered."""
        bundled = tuple(
            Piece(
                title=template.title,
                family=TEMPLATES if template.kind == "model" else BLOCKS,
                help=template.help,
                fragment=template.fragment,
            )
            for template in load_templates()
        )
        return bundled + self.own()

    def own(self) -> tuple[Piece, ...]:
        """The user's blocks by title. A file that cannot be used is listed with the reason."""
        return tuple(_piece(path) for path in sorted(self._folder.glob("*.json")))

    def add(self, title: str, fragment: Fragment) -> Path:
        """Keep a block under a title, or the next free one.

        Raises:
            SaveError: it could not be written.
        """
        path = self._free_path(title)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, fragment_json.encode(fragment))
        self.changed.emit()
        return path

    def rename(self, path: Path, title: str) -> Path:
        """Give a block another title, or the next free one."""
        if not path.exists() or title == path.stem:
            return path
        renamed = path.rename(self._free_path(title))
        self.changed.emit()
        return renamed

    def remove(self, path: Path) -> bool:
        """Move a block to the desktop's trash; answers whether that could be done."""
        moved = bool(QFile.moveToTrash(str(path)))
        self.changed.emit()
        return moved

    def _free_path(self, title: str) -> Path:
        stem = re.sub(r"[^\w .()-]+", "_", title).strip(" .")[:LONGEST_TITLE] or "block"
        taken = (path.stem for path in self._folder.glob("*.json"))
        return self._folder / f"{FreeNames(taken).take(stem)}.json"


def default_folder() -> Path:
    """Where the user's blocks lie."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)
    return Path(place) / "blocks"


def _piece(path: Path) -> Piece:
    def read() -> Fragment:
        return fragment_json.decode(path.read_bytes())

    fault = text = ""
    try:
        count = len(read().nodes)
        text = QCoreApplication.translate("BlockLibrary", "%n layers", "", count)
    except FileRefusedError as refusal:
        fault = f"{path}: {refusal}"
    except OSError as error:
        fault = f"{path}: {error.strerror}"
    return Piece(title=path.stem, family=MINE, help=text, fragment=read, path=path, fault=fault)
