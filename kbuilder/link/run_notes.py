"""What people write on a run: another name for it, a note, tags. Kept in the run's folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kbuilder.document.atomic import write_bytes

NOTES = "notes.json"
"""The name of the file in the folder of a run."""

LARGEST_BYTES = 2**20


class RunNotes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``label`` is shown instead of the folder's name, which stays as it is."""

    label: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()


def read_notes(run: Path) -> RunNotes:
    """The notes on a run; empty ones where there are none or the file is damaged."""
    path = run / NOTES
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return RunNotes()
        return msgspec.json.decode(path.read_bytes(), type=RunNotes)
    except (OSError, msgspec.MsgspecError):
        return RunNotes()


def write_notes(run: Path, notes: RunNotes) -> None:
    """Keep the notes on a run.

    Raises:
        SaveError: they could not be written; those before are still there.
    """
    write_bytes(run / NOTES, msgspec.json.format(msgspec.json.encode(notes), indent=2) + b"\n")


def tags_in(text: str) -> tuple[str, ...]:
    """The tags in a text with commas between, each once."""
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))
