"""A network in words: a table of its layers, sums, and how each output is judged; as text or Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbuilder.document.facts import NodeFacts, Shape
from kbuilder.document.graph import Node
from kbuilder.document.options import OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.script.code import value, written
from kbuilder.document.values import KerasObject

COLUMNS = ("Layer", "Class", "Output", "Parameters", "Connected to")
NUMBERS = {3}
"""Columns that are aligned to the right."""

Facts = Mapping[str, NodeFacts]


def as_text(project: Project, facts: Facts, name: str) -> str:
    """The summary as plain text in columns."""
    rows = [COLUMNS, *_rows(project, facts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(
            _aligned(cell, width, n)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines = [line.rstrip() for line in lines]
    rule = "-" * max(map(len, lines))
    below = [f"{title}: {text}" for title, text in _below(project, facts)]
    return "\n".join([name, "", lines[0], rule, *lines[1:], rule, *below]) + "\n"


def as_markdown(project: Project, facts: Facts, name: str) -> str:
    """The summary as Markdown."""
    marks = ["---:" if column in NUMBERS else "---" for column in range(len(COLUMNS))]
    rows = [COLUMNS, marks, *([_plain(cell) for cell in row] for row in _rows(project, facts))]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    below = [f"- **{title}**: {_plain(text)}" for title, text in _below(project, facts)]
    return "\n".join([f"# {_plain(name)}", "", *lines, "", *below]) + "\n"


def parameters(facts: Facts) -> int:
    """All weights of the network, counted once."""
    return sum(each.trainable_params + each.fixed_params for each in facts.values())


def _rows(project: Project, facts: Facts) -> list[Sequence[str]]:
    graph = project.graph
    rows: list[Sequence[str]] = []
    for node in graph.order:
        known = facts.get(node.id, NodeFacts())
        count = known.trainable_params + known.fixed_params
        sources = [graph.by_id[edge.source].name for edge in graph.incoming[node.id]]
        shared = f"{node.class_name} of {graph.by_id[node.shares].name}" if node.shares else ""
        shape = " + ".join(shape_words(each.shape) for each in known.outputs)
        frozen = "" if graph.layer_of(node.id).trainable or not count else " frozen"
        number = f"{count:,}{frozen}" if count else ""
        rows.append((node.name, shared or node.class_name, shape, number, ", ".join(sources)))
    return rows


def _below(project: Project, facts: Facts) -> list[tuple[str, str]]:
    learning = sum(
        facts[node.id].trainable_params
        for node in project.graph.nodes
        if node.id in facts and node.trainable
    )
    total = parameters(facts)
    size = sum(each.weight_bytes for each in facts.values())
    found = [
        ("Parameters", f"{total:,} ({_size(size)}), {learning:,} of them trainable"),
        ("Multiply-adds for one sample", f"{sum(each.mult_adds for each in facts.values()):,}"),
    ]
    found += [("Input", _end(node, facts)) for node in project.graph.inputs]
    found += [
        ("Output", f"{_end(node, facts)}; {_judged(project, node)}")
        for node in project.graph.outputs
    ]
    if any(each.loss for each in project.compile.outputs.values()):
        found.append(("Optimizer", _object(project.compile.optimizer)))
    return found


def _end(node: Node, facts: Facts) -> str:
    known = facts.get(node.id)
    if known is None or not known.outputs:
        return node.name
    tensor = known.outputs[0]
    return f"{node.name}, {shape_words(tensor.shape)}, {tensor.dtype}"


def _judged(project: Project, node: Node) -> str:
    options = project.compile.outputs.get(node.id, OutputOptions())
    if options.loss is None:
        return "no loss"
    weight = f" with weight {options.loss_weight:g}" if options.loss_weight != 1.0 else ""
    metrics = [_object(metric) for metric in (*options.metrics, *options.weighted_metrics)]
    loss = f"loss {_object(options.loss)}{weight}"
    return f"{loss}; measured by {', '.join(metrics)}" if metrics else loss


def _object(wanted: KerasObject) -> str:
    given = ", ".join(f"{name}={_value(found)}" for name, found in wanted.params.items())
    return f"{wanted.class_name}({given})" if given else wanted.class_name


def _value(found: object) -> str:
    if isinstance(found, dict) and "class_name" in found:
        return _object(KerasObject.of(found))
    return written(value(found))


def shape_words(shape: Shape) -> str:
    """The shape of one sample: ``8 x 8 x 1``; a question mark for an open dimension."""
    inner = ["?" if size is None else str(size) for size in shape[1:]]
    return " x ".join(inner) or "scalar"


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in NUMBERS else cell.ljust(width)


def _plain(text: str) -> str:
    """Names are a stranger's: nothing in them becomes formatting."""
    for sign in "\\`*_{}[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
