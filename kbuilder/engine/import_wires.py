"""Tensors in a configuration: which calls take them, and which go in and out of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.ports import STATE, main_ports
from kbuilder.document.values import Params
from kbuilder.engine.import_rewrites import TENSOR

History = tuple[str, int, int]
"""A tensor: the layer that makes it, the number of the call, the number of its output."""

Wires = list[tuple[int, History]]
"""Tensors with the port that each arrives at."""


def tensors(value: Any) -> list[History]:
    """The tensors among arguments, in their order."""
    return [history for history in _leaves(value) if isinstance(history, tuple)]


def model_arguments(node: Mapping[str, Any]) -> tuple[list[History], list[History]]:
    """The tensors that a call hands to a model in the model as inputs, and those it hands as masks."""
    kwargs = node.get("kwargs")
    named = kwargs if isinstance(kwargs, dict) else {}
    inputs = tensors([node.get("args"), named.get("inputs")])
    return inputs, tensors(named.get("mask"))


def arguments(node: Mapping[str, Any]) -> list[Any]:
    """The arguments of a call, flat, with ``TENSOR`` in place of the tensors."""
    values = [*_leaves(node.get("args", [])), *_leaves(node.get("kwargs", {}))]
    return [TENSOR if isinstance(value, tuple) else value for value in values]


def history_of(value: Any) -> History | None:
    """The tensor that a value is, or None."""
    found = [*_leaves(value)] if isinstance(value, dict) else []
    return found[0] if len(found) == 1 and isinstance(found[0], tuple) else None


def ports(spec: ClassSpec, node: Mapping[str, Any], where: str) -> tuple[Wires, Params]:
    """The tensors of one call of a layer that the catalogue has, by port, and its other arguments.

    Raises:
        FileRefusedError: it is called as a node cannot be.
    """
    main = main_ports(spec)
    found = tensors(node.get("args", []))
    data = found if spec.many_inputs else found[:main]
    wires: Wires = [*enumerate(data)]
    # A recurrent layer may take its initial states behind its input.
    wires += [(len(spec.ports) + number, each) for number, each in enumerate(found[len(data) :])]
    call: Params = {}
    kwargs = node.get("kwargs", {})
    for key, value in kwargs.items() if isinstance(kwargs, dict) else ():
        more = _keyword(spec, key, value)
        if more is not None:
            wires += more
        else:
            call |= _switch(spec, key, value, where)
    if not any(port < main or spec.many_inputs for port, _ in wires):
        raise FileRefusedError(f"{where} is called on nothing. It is damaged.")
    return wires, call


def _keyword(spec: ClassSpec, key: str, value: Any) -> Wires | None:
    """The tensors of an argument by its name; None if it has none, or belongs to no port."""
    found = tensors(value)
    if key in spec.ports and history_of(value):
        return [(spec.ports.index(key), found[0])]
    if key == STATE and found:
        return [(len(spec.ports) + number, each) for number, each in enumerate(found)]
    if key == "mask" and found and isinstance(value, list):
        masks = [number for number, name in enumerate(spec.ports) if name.endswith("mask")]
        given = ((port, history_of(each)) for port, each in zip(masks, value, strict=False))
        return [(port, each) for port, each in given if each]
    # Keras hands the mask of its input to every layer that takes one, also where we have no port.
    return [] if found and key.endswith("mask") else None


def _switch(spec: ClassSpec, key: str, value: Any, where: str) -> Params:
    """An argument that is no tensor, where it is not as Keras has it by itself."""
    param = next((param for param in spec.call_params if param.name == key), None)
    if param is not None and (value is None or isinstance(value, bool)):
        return {} if value is None or value is param.default else {key: value}
    if tensors(value):
        raise FileRefusedError(
            f"{where} takes “{key}” from another layer, which cannot be opened yet."
        )
    if key not in ("mask", "training", "attention_mask") and value not in (None, False, [None]):
        raise FileRefusedError(
            f"{where} is called with {key}={str(value)[:40]}, which cannot be opened yet."
        )
    return {}


def border(config: Mapping[str, Any], key: str, where: str) -> list[History]:
    """The tensors that go into a model, or out of it.

    The file has ``["a", 0, 0]`` for one, or a list of such; a dictionary names them.

    Raises:
        FileRefusedError: it does not say.
    """
    raw = config.get(key)
    if isinstance(raw, dict):
        raw = list(raw.values())
    if _is_place(raw):
        raw = [raw]
    if not isinstance(raw, list) or not raw:
        raise FileRefusedError(f"{where} does not say what goes in and out. It is damaged.")
    for item in raw:
        if not _is_place(item):
            raise FileRefusedError(
                f"{where} names an input or output as {str(item)[:60]}. It is damaged."
            )
    return [(name, call, output) for name, call, output in raw]


def _is_place(raw: Any) -> TypeGuard[list[Any]]:
    return (
        isinstance(raw, list)
        and len(raw) == 3
        and isinstance(raw[0], str)
        and all(isinstance(number, int) and number >= 0 for number in raw[1:])
    )


def _leaves(value: Any) -> Iterator[Any]:
    """Everything in nested lists and dictionaries, tensors as ``History``."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        place = config.get("keras_history") if isinstance(config, dict) else None
        if _is_place(place):
            yield (place[0], place[1], place[2])
    elif isinstance(value, dict) and "class_name" not in value:
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value
