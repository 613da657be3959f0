"""Finding layers by name, class, shape or parameter, as people type it.

``conv`` is part of a name or class, ``28 x 28`` or ``(None, 10)`` a shape, ``units=10`` a parameter,
``relu`` a value that was set. All words must fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Graph, Node

_SIZE = r"(?:none|\?|\d+)"
_SHAPE = re.compile(
    rf"\(\s*{_SIZE}(?:\s*,\s*{_SIZE})*\s*,?\s*\)|{_SIZE}(?:\s*[x×]\s*{_SIZE})+", re.IGNORECASE
)
_PARAMETER = re.compile(r"(\w+)\s*[=:]\s*(\([^)]*\)|\[[^\]]*\]|[^\s]+)")

Test = Callable[[Node], bool]


def find(
    graph: Graph, text: str, facts: Mapping[str, NodeFacts], catalogue: Catalogue
) -> list[str]:
    """Ids of the nodes that fit, in the order of the graph; none for an empty text."""
    tests = list(_tests(graph, text, facts, catalogue))
    if not tests:
        return []
    return [node.id for node in graph.nodes if all(test(node) for test in tests)]


def _tests(
    graph: Graph, text: str, facts: Mapping[str, NodeFacts], catalogue: Catalogue
) -> Iterator[Test]:
    text = text.lower()
    for name, value in _PARAMETER.findall(text):
        yield lambda node, name=name, value=value: _has_parameter(  # type: ignore[misc]
            graph.layer_of(node.id), name, _plain(value), catalogue
        )
    text = _PARAMETER.sub(" ", text)
    for written in _SHAPE.findall(text):
        sizes = [None if size in ("none", "?") else int(size) for size in _sizes(written)]
        yield lambda node, sizes=sizes, whole=written[0] == "(": any(  # type: ignore[misc]
            _fits(tensor, sizes, whole) for tensor in _tensors(facts.get(node.id))
        )
    for word in _SHAPE.sub(" ", text).split():
        yield lambda node, word=word: (  # type: ignore[misc]
            word in node.name.lower()
            or word in node.class_name.lower()
            or any(_says(value, word) for value in graph.layer_of(node.id).params.values())
        )


def _sizes(written: str) -> list[str]:
    return re.findall(_SIZE, written)


def _tensors(facts: NodeFacts | None) -> Iterator[TensorFacts]:
    if facts is not None:
        yield from facts.outputs


def _fits(tensor: TensorFacts, sizes: list[int | None], whole: bool) -> bool:
    """Whether a shape is this one, or holds these sizes side by side."""
    shape = list(tensor.shape)
    if whole:
        return sizes in (shape, shape[1:])
    return any(shape[at : at + len(sizes)] == sizes for at in range(len(shape)))


def _has_parameter(layer: Node, name: str, wanted: str, catalogue: Catalogue) -> bool:
    spec = catalogue.layer(layer.class_name)
    values = {param.name: param.default for param in spec.params} if spec else {}
    values |= layer.params
    return any(
        _plain(_text(value)) == wanted for key, value in values.items() if key.startswith(name)
    )


def _says(value: Any, word: str) -> bool:
    text = _text(value).lower()
    return text.startswith(word) if isinstance(value, str | dict) else text == word


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("class_name", ""))
    if isinstance(value, list | tuple):
        return ",".join(_text(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """A value without what people write in different ways: (3, 3), [3,3] and 3x3 are the same."""
    text = text.lower().strip("()[]\"'").replace(" ", "")
    return re.sub(r"(?<=\d)[x×](?=\d)", ",", text).strip(",")
