"""A small layered layout of our own: longest path, fewest crossings by sweeps, columns by neighbours.

Used where graphlay is not installed or fails, and by the tests to judge graphlay by.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Size = tuple[float, float]
Point = tuple[float, float]
Link = tuple[int, int]
"""Numbers of the upper and the lower box."""

ROW_GAP = 44.0
COLUMN_GAP = 30.0
SWEEPS = 8
WIRE_WIDTH = 8.0
"""Room that a wire takes which passes a row."""


def layered(sizes: Sequence[Size], links: Sequence[Link]) -> list[Point]:
    """Top left corners of boxes, in rows from top to bottom; every link that can points downwards.

    Boxes that nothing else decides stand from left to right in the order they come in.
    """
    downward = _without_circles(len(sizes), links)
    rows_of = _rows(len(sizes), downward)
    chains, rows_of = _pieces(downward, rows_of)
    rows: list[list[int]] = [[] for _ in range(max(rows_of, default=-1) + 1)]
    for box, number in enumerate(rows_of):
        rows[number].append(box)
    above, below = _neighbours(len(rows_of), chains)
    rows = _untangled(rows, above, below)
    widths = [width for width, _ in sizes] + [WIRE_WIDTH] * (len(rows_of) - len(sizes))
    middles = _columns(rows, above, below, widths)
    places: list[Point] = [(0.0, 0.0)] * len(sizes)
    top = 0.0
    for row in rows:
        boxes = [box for box in row if box < len(sizes)]
        for box in boxes:
            places[box] = (middles[box] - sizes[box][0] / 2, top)
        top += max((sizes[box][1] for box in boxes), default=0.0) + ROW_GAP
    return places


def _without_circles(count: int, links: Sequence[Link]) -> list[Link]:
    """Each link once, those turned round that would close a circle."""
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        if source != target and target not in targets[source]:
            targets[source].append(target)
    state = [0] * count  # 0 new, 1 on the way, 2 done
    found: dict[Link, None] = {}
    for start in range(count):
        stack = [(start, iter(targets[start]))] if not state[start] else []
        state[start] = state[start] or 1
        while stack:
            source, rest = stack[-1]
            target = next(rest, -1)
            if target < 0:
                state[source] = 2
                stack.pop()
                continue
            found[(target, source) if state[target] == 1 else (source, target)] = None
            if not state[target]:
                state[target] = 1
                stack.append((target, iter(targets[target])))
    return list(found)


def _rows(count: int, links: Sequence[Link]) -> list[int]:
    """The row of each box: below all its sources, and a source as low as its targets let it."""
    sources, targets = _neighbours(count, links)
    waiting = [len(found) for found in sources]
    ready = [box for box in range(count) if not waiting[box]]
    rows = [0] * count
    for box in ready:  # grows while it is read
        for target in targets[box]:
            rows[target] = max(rows[target], rows[box] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for box in reversed(ready):
        if not sources[box] and targets[box]:
            rows[box] = min(rows[target] for target in targets[box]) - 1
    return rows


def _pieces(links: Sequence[Link], rows: list[int]) -> tuple[list[Link], list[int]]:
    """Links cut into pieces from row to row, and the rows of the boxes and of the points between."""
    pieces: list[Link] = []
    rows = list(rows)
    for source, target in links:
        last = source
        for row in range(rows[source] + 1, rows[target]):
            rows.append(row)
            pieces.append((last, len(rows) - 1))
            last = len(rows) - 1
        pieces.append((last, target))
    return pieces, rows


def _neighbours(count: int, links: Sequence[Link]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    return above, below


def _untangled(
    rows: list[list[int]], above: list[list[int]], below: list[list[int]]
) -> list[list[int]]:
    """The rows in the order with the fewest crossings that some sweeps down and up have met."""
    best, fewest = rows, _all_crossings(rows, above)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        rows = _swept(rows, above if down else below, down=down)
        count = _all_crossings(rows, above)
        if count < fewest:
            best, fewest = rows, count
    return best


def _swept(rows: list[list[int]], fixed: list[list[int]], *, down: bool) -> list[list[int]]:
    """Each row by the mean place of its neighbours in the row before, then swapped where that helps."""
    swept = [list(row) for row in rows]
    numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
    for number in numbers:
        row = swept[number]
        order = {box: place for place, box in enumerate(swept[number + (-1 if down else 1)])}
        places = {box: [order[other] for other in fixed[box]] for box in row}
        now = {box: float(place) for place, box in enumerate(row)}
        row.sort(key=lambda box: _mean(places[box], now[box]))
        _swap(row, places)
    return swept


def _swap(row: list[int], places: dict[int, list[int]]) -> None:
    better = True
    while better:
        better = False
        for left in range(len(row) - 1):
            one, two = places[row[left]], places[row[left + 1]]
            if _crossings(one, two) > _crossings(two, one):
                row[left], row[left + 1] = row[left + 1], row[left]
                better = True


def _crossings(left: list[int], right: list[int]) -> int:
    return sum(1 for one in left for two in right if one > two)


def _all_crossings(rows: list[list[int]], above: list[list[int]]) -> int:
    count = 0
    for upper, row in pairwise(rows):
        order = {box: place for place, box in enumerate(upper)}
        ends = [place for box in row for place in sorted(order[other] for other in above[box])]
        count += sum(1 for at, one in enumerate(ends) for two in ends[at + 1 :] if one > two)
    return count


def _columns(
    rows: list[list[int]], above: list[list[int]], below: list[list[int]], widths: list[float]
) -> list[float]:
    """Middles of the boxes: near those of their neighbours, in the order of each row."""
    middles = [0.0] * len(widths)
    for row in rows:
        right = 0.0
        for box in row:
            middles[box] = right + widths[box] / 2
            right += widths[box] + COLUMN_GAP
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else rows[::-1]:
            fixed = above if down else below
            wanted = [_mean([middles[other] for other in fixed[box]], middles[box]) for box in row]
            for box, middle in zip(row, _apart(row, wanted, widths), strict=True):
                middles[box] = middle
    return middles


def _apart(row: list[int], wanted: list[float], widths: list[float]) -> list[float]:
    """The wanted middles, moved as little as keeps the boxes apart: blocks that touch move as one."""
    blocks: list[tuple[float, int, float]] = []  # mean place of the first box, boxes, width so far
    for box, middle in zip(row, wanted, strict=True):
        start, count, width = middle - widths[box] / 2, 1, widths[box] + COLUMN_GAP
        while blocks and blocks[-1][0] + blocks[-1][2] > start:
            before, number, extent = blocks.pop()
            start = (before * number + (start - extent) * count) / (number + count)
            count, width = count + number, width + extent
        blocks.append((start, count, width))
    found = []
    at = 0
    for start, count, _ in blocks:
        for box in row[at : at + count]:
            found.append(start + widths[box] / 2)
            start += widths[box] + COLUMN_GAP
        at += count
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
