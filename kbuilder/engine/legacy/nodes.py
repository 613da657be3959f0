"""Calls of layers as Keras 2 notes them, in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbuilder.engine.legacy.functions import UntranslatableError
from kbuilder.engine.legacy.operations import CLASSES, Tensor, operation_text, shown_value
from kbuilder.engine.legacy.origin import Origin

_FUNCTIONAL = ("Functional", "Model")
_MODELS = ("Sequential", *_FUNCTIONAL)
_CONSTANT = "_CONSTANT_VALUE"


def is_flat(value: Any) -> bool:
    """Whether it is one tensor: ``["layer", 0, 0]`` or ``["layer", 0, 0, {...}]``."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def called(node: Any) -> int:
    """How many tensors a call takes."""
    first, named = _parts(node)
    return len(first) + sum(is_flat(value) for value in named.values())


def _parts(node: Any) -> tuple[list[list[Any]], dict[str, Any]]:
    """The tensors that a layer is called on, and its other arguments."""
    if isinstance(node, dict):
        node = [*node.values()]
    if not isinstance(node, list):
        return [], {}
    entries = [node] if is_flat(node) else [entry for entry in _flat(node) if is_flat(entry)]
    named: Any = next((entry[3] for entry in entries if len(entry) == 4 and entry[3]), {})
    return entries, dict(named) if isinstance(named, dict) else {}


def _flat(value: Any) -> list[Any]:
    if is_flat(value) or not isinstance(value, list | dict):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [entry for item in items for entry in _flat(item)]


class Rename:
    """Names of one model and the numbers of its calls, old to new.

    In Keras 2 a model in the model has its own inputs as call 0, so that others begin at 1.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._names: dict[str, str] = {}
        self._models: set[str] = set()
        self._functional: set[str] = set()
        self._used: set[tuple[str, int]] = set()

    def add(self, raw: Mapping[str, Any], new: str) -> None:
        """Note a layer."""
        config = raw.get("config")
        old = raw.get("name") or (config.get("name") if isinstance(config, dict) else None)
        self._names[str(old or raw.get("class_name", "layer").lower())] = new
        if str(raw.get("class_name")) in _MODELS:
            self._models.add(str(old))
        if str(raw.get("class_name")) in _FUNCTIONAL:
            self._functional.add(str(old))
        for node in raw.get("inbound_nodes") or []:
            first, named = _parts(node)
            entries = [*first, *(value for value in named.values() if is_flat(value))]
            self._used |= {(str(entry[0]), int(entry[1])) for entry in entries}

    def name(self, old: str) -> str:
        """The new name of a layer."""
        return self._names.get(old, old)

    def place(self, entry: list[Any]) -> list[Any]:
        """A tensor with the new name and number."""
        old, number = str(entry[0]), int(entry[1])
        if old in self._models and (old, 0) not in self._used:
            number = max(0, number - 1)
        return [self.name(old), number, int(entry[2])]

    def border(self, raw: Any) -> list[list[Any]]:
        """The inputs or outputs of the model, where Keras 3 counts calls of Functional models from 1."""
        entries = [entry for entry in _flat(raw) if is_flat(entry)]
        self._used |= {(str(entry[0]), int(entry[1])) for entry in entries}
        places = [(str(entry[0]), self.place(entry)) for entry in entries]
        return [
            [name, number + (old in self._functional), output]
            for old, (name, number, output) in places
        ]

    def call(self, node: Any) -> dict[str, Any]:
        """A call of a layer."""
        first, named = _parts(node)
        args = [self._tensor(entry) for entry in first]
        kwargs = {key: self._value(value) for key, value in named.items() if key != "name"}
        return {"args": args if len(args) == 1 else [args], "kwargs": kwargs}

    def on(self, name: str, number: int) -> dict[str, Any]:
        """A call on the first output of a layer by its new name."""
        return {"args": [_tensor([name, number, 0])], "kwargs": {}}

    def _tensor(self, entry: list[Any]) -> Any:
        return entry[2] if entry[0] == _CONSTANT else _tensor(self.place(entry))

    def _value(self, value: Any) -> Any:
        if is_flat(value) and (value[0] in self._names or value[0] == _CONSTANT):
            return self._tensor(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return value


def _tensor(place: list[Any]) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": place}}


def upgraded_operation(
    raw: Mapping[str, Any], nodes: list[Any], rename: Rename
) -> dict[str, Any] | None:
    """An operation of TensorFlow as an Expression, or None if it is no operation or has no equal."""
    class_name = str(raw.get("class_name"))
    if class_name not in CLASSES or not nodes:
        return None
    first, named = _parts(nodes[0])
    tensors = [entry for entry in [*first, *_nested(named)] if entry[0] != _CONSTANT]
    texts = {
        id(entry): Tensor("x" if len(tensors) == 1 else f"x[{number}]")
        for number, entry in enumerate(tensors)
    }

    def shown(value: Any) -> Any:
        if is_flat(value):
            return value[2] if value[0] == _CONSTANT else texts[id(value)]
        return [shown(item) for item in value] if isinstance(value, list) else value

    calls = [{"args": [[rename._tensor(entry) for entry in tensors]], "kwargs": {}}]
    main: Any = [shown(entry) for entry in first]
    main = main[0] if is_flat(nodes[0]) or len(main) == 1 else main
    try:
        text = operation_text(
            class_name,
            raw.get("config") or {},
            main if isinstance(main, list) else Tensor(shown_value(main)),
            {key: shown(value) for key, value in named.items() if key != "name"},
        )
    except UntranslatableError:
        kept = {"class_name": class_name, "module": "program", "config": raw.get("config")}
        return {**kept, "inbound_nodes": [rename.call(node) for node in nodes]}
    return {"class_name": "Expression", "config": {"expression": text}, "inbound_nodes": calls}


def _nested(named: Mapping[str, Any]) -> list[list[Any]]:
    found = (entry for value in named.values() for entry in _flat(value))
    return [entry for entry in found if is_flat(entry)]
