"""Columns of a ``.csv`` file: numbers by a strict grammar, everything else as classes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import (
    Field,
    Source,
    looks_like,
    refuse_over_budget,
    refuse_unless_file,
)

MOST_COLUMNS = 100_000
LARGEST_CELL_BYTES = 2**20
MEMORY_PER_FILE_BYTE = 6  # text, its offsets and the numbers made of it
MOSTLY = 0.8  # a column with this share of numbers is meant as numbers
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
WHOLE = r"^\s*[+-]?\d{1,18}\s*$"
MISSING = r"^\s*(|\?|-|na|n/a|nan|null|none)\s*$"


@dataclass(frozen=True)
class _Shape:
    delimiter: str
    names: tuple[str, ...]
    has_header: bool


def open_table(path: Path) -> Source:
    """The columns of a CSV file as fields. Separated by comma, semicolon or tab, in UTF-8.

    A first row of which no cell is a number is taken as the header.

    Raises:
        FileRefusedError: it is no table; the sentence names line and column where it can.
    """
    size = refuse_unless_file(path, "a table (.csv)")
    refuse_over_budget(path.name, size * MEMORY_PER_FILE_BYTE)
    shape = _shape(path)
    table = _read(path, shape)
    if not table.num_rows:
        raise FileRefusedError(
            f"“{path.name}” has a header and no rows. Choose a table with samples in it."
        )
    fields = tuple(
        _column(path.name, name, table.column(number).combine_chunks(), shape.has_header)
        for number, name in enumerate(shape.names)
    )
    return Source(path.name, fields, columns=True)


def _shape(path: Path) -> _Shape:
    with path.open("rb") as file:
        start = file.read(LARGEST_CELL_BYTES)
    if found := looks_like(start):
        raise FileRefusedError(
            f"“{path.name}” is {found}, not a table (.csv). Choose a table, or another kind of data."
        )
    if b"\0" in start:
        raise FileRefusedError(
            f"“{path.name}” holds zero bytes, so it is not plain text in UTF-8. Save the table as CSV "
            "in UTF-8."
        )
    first = _first_line(path, start)
    delimiter = max(",;\t", key=first.count)
    cells = next(csv.reader([first], delimiter=delimiter))
    if len(cells) > MOST_COLUMNS:
        raise FileRefusedError(
            f"“{path.name}” has {len(cells):,} columns; at most {MOST_COLUMNS:,} are read. "
            "Use an .npz file for such data."
        )
    has_header = not any(_is_number(cell) for cell in cells)
    names = [cell.strip() for cell in cells] if has_header else []
    if len(set(names)) != len(names) or not all(names):
        twice = next((name for name in names if names.count(name) > 1 or not name), "")
        fault = f"two columns called “{twice}”" if twice else "a column without a name"
        raise FileRefusedError(f"“{path.name}” has {fault}. Give each column a name of its own.")
    numbered = tuple(f"column {number + 1}" for number in range(len(cells)))
    return _Shape(delimiter, tuple(names) or numbered, has_header)


def _first_line(path: Path, start: bytes) -> str:
    try:
        text = start.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:
            line = start[: error.start].count(b"\n") + 1
            raise FileRefusedError(
                f"“{path.name}”, line {line}, is not text in UTF-8. Save the table as CSV in UTF-8."
            ) from error
        text = start[: error.start].decode("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise FileRefusedError(f"“{path.name}” holds nothing but empty lines. Choose another file.")
    return lines[0]


def _is_number(cell: str) -> bool:
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False


def _read(path: Path, shape: _Shape) -> pa.Table:
    """All cells as text. One thread, because only then rows are numbered."""
    ragged: list[pyarrow.csv.InvalidRow] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    try:
        table: pa.Table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                column_names=shape.names,
                skip_rows_after_names=1 if shape.has_header else 0,
                block_size=4 * LARGEST_CELL_BYTES,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=shape.delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(shape.names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise _refusal(path, ragged, error) from error
    return table


def _refusal(
    path: Path, ragged: list[pyarrow.csv.InvalidRow], error: Exception
) -> FileRefusedError:
    if ragged:
        row = ragged[0]
        return FileRefusedError(
            f"“{path.name}”, row {row.number}, has {row.actual_columns} cells; the rows before have "
            f"{row.expected_columns}. Correct that row."
        )
    reason = str(error).splitlines()[0]
    if "UTF8" in reason:
        reason = "it is not text in UTF-8"
    if "straddling" in reason or "try to increase block size" in reason:
        reason = "a cell is larger than 1 MB, or a quotation mark is not closed"
    return FileRefusedError(f"“{path.name}” is not a table that can be read: {reason}. Correct it.")


def _column(file: str, name: str, cells: pa.StringArray, has_header: bool) -> Field:
    def first(count: int) -> tuple[str, ...]:
        return tuple(cells.slice(0, count).to_pylist())

    missing = pc.match_substring_regex(cells, MISSING, ignore_case=True)
    numeric = pc.match_substring_regex(cells, NUMBER)
    numbers, gaps = pc.sum(numeric).as_py(), pc.sum(missing).as_py()
    filled = len(cells) - gaps
    if filled and numbers >= MOSTLY * filled:
        values, problem = _numbers(file, name, cells, numeric, missing, has_header)
        classes: tuple[str, ...] = ()
        dtype = values.dtype.name
    else:
        values, classes, problem = _classes(file, name, cells, has_header)
        dtype = "text"

    def read() -> np.ndarray:
        if problem:
            raise FileRefusedError(problem)
        return values

    return Field(name, len(cells), (), dtype, read, first, classes, problem)


def _numbers(
    file: str,
    name: str,
    cells: pa.StringArray,
    numeric: pa.BooleanArray,
    missing: pa.BooleanArray,
    has_header: bool,
) -> tuple[np.ndarray, str]:
    bad = pc.index(numeric, False).as_py()
    if bad >= 0:
        where = _where(file, name, bad, has_header)
        if missing[bad].as_py():
            what = f"{where} has no value (and {pc.sum(missing).as_py()} cells in all)"
            return np.zeros(0, np.float32), f"{what}. Fill it in or leave the column out."
        what = f"{where} holds “{cells[bad].as_py()[:40]}”, which is not a number"
        return np.zeros(0, np.float32), f"{what}. Correct the cell or leave the column out."
    trimmed = pc.utf8_ltrim(pc.utf8_trim_whitespace(cells), characters="+")
    if pc.all(pc.match_substring_regex(cells, WHOLE)).as_py():
        whole = trimmed.cast(pa.int64()).to_numpy(zero_copy_only=False)
        small = whole.size and np.abs(whole).max() < 2**31
        return whole.astype(np.int32) if small else whole.astype(np.float32), ""
    values = trimmed.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float32)
    infinite = np.flatnonzero(~np.isfinite(values))
    if infinite.size:
        where = _where(file, name, int(infinite[0]), has_header)
        return values, f"{where} holds a number too large for float32. Scale the column."
    return values, ""


def _classes(
    file: str, name: str, cells: pa.StringArray, has_header: bool
) -> tuple[np.ndarray, tuple[str, ...], str]:
    words = pc.utf8_trim_whitespace(cells)
    texts, codes = np.unique(words.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    empty = np.flatnonzero(codes == 0) if texts[0] == "" else np.zeros(0, int)
    problem = ""
    if empty.size:
        where = _where(file, name, int(empty[0]), has_header)
        problem = (
            f"{where} is empty ({empty.size} cells in all). Fill it in or leave the column out."
        )
    return codes.astype(np.int32), tuple(str(text) for text in texts), problem


def _where(file: str, name: str, row: int, has_header: bool) -> str:
    return f"“{file}”, row {row + 1 + has_header}, column “{name}”,"
