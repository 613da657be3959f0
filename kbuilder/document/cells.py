"""Texts for tables that a spreadsheet program opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(text: str) -> str:
    """The text so that no spreadsheet program takes it for a formula: with an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV; texts are inert, numbers are exact, None is an empty cell."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow([inert(name) for name in header])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return target.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return inert(value) if isinstance(value, str) else repr(value)
