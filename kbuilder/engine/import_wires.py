"""Tensors in a configuration: which calls take them, and which go in and out of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.import_rewrites import TENSOR

History = tuple[str, int, int]
"""A tensor: the layer that makes it, the number of the call, the number of its output."""

_TRAINING_BY_DEFAULT = {"Image augmentation", "Preprocessing"}


def tensors(value: Any) -> list[History]:
    """The tensors among arguments, in their order."""
    return [history for history in _leaves(value) if isinstance(history, tuple)]


def arguments(node: Mapping[str, Any]) -> list[Any]:
    """The arguments of a call, flat, with ``TENSOR`` in place of the tensors."""
    values = [*_leaves(node.get("args", [])), *_leaves(node.get("kwargs", {}))]
    return [TENSOR if isinstance(value, tuple) else value for value in values]


def ports(spec: ClassSpec, node: Mapping[str, Any], where: str) -> list[History]:
    """The tensors of one call of a layer that the catalogue has, in the order of its ports.

    Raises:
        FileRefusedError: it is called as a node cannot be.
    """
    found = tensors(node.get("args", []))
    kwargs = node.get("kwargs", {})
    for key, value in kwargs.items() if isinstance(kwargs, dict) else ():
        extra = tensors(value)
        if key in ("mask", "attention_mask") or not extra:
            _refuse_switch(spec, key, value, where)
        elif key in spec.ports and spec.ports.index(key) == len(found):
            found += extra
        else:
            raise FileRefusedError(
                f"{where} takes “{key}” from another layer, which cannot be opened yet."
            )
    if not found:
        raise FileRefusedError(f"{where} is called on nothing. It is damaged.")
    return found


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


def _refuse_switch(spec: ClassSpec, key: str, value: Any, where: str) -> None:
    """Refuse a call that a graph of ours would make differently.

    Layers for pictures have ``training=True`` as their default, which still follows the model.
    """
    if key == "training" and value is True and spec.family not in _TRAINING_BY_DEFAULT:
        raise FileRefusedError(
            f"{where} is always called with training=True, which cannot be opened yet."
        )
    if key not in ("mask", "training", "attention_mask") and value not in (None, False):
        raise FileRefusedError(
            f"{where} is called with {key}={str(value)[:40]}, which cannot be opened yet."
        )
