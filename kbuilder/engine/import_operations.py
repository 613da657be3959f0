"""Operations of ``keras.ops`` in a configuration as nodes of the catalogue, read as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.values import Params
from kbuilder.engine.import_params import plain_value
from kbuilder.engine.import_wires import History, history_of

_ONE_BY_ONE = {"ops.einsum"}
"""Functions that take their tensors one by one; the others over several take them as one list."""
_MODULES = [f"keras.src.ops.{part}" for part in ("numpy", "nn", "math", "core")]
_OF_NODES = {"name", "trainable"}


def operation_spec(catalogue: Catalogue, raw: Mapping[str, Any]) -> ClassSpec | None:
    """The entry of an operation that a configuration names by its module and class.

    ``.h5`` files of Keras 3 have no modules: there the class alone says it.
    """
    modules = [raw["module"]] if raw.get("module") else _MODULES
    found = (catalogue.layer(f"{module}.{raw.get('class_name')}") for module in modules)
    return next((spec for spec in found if spec is not None and spec.is_operation), None)


def operation(
    spec: ClassSpec, config: Mapping[str, Any], node: Mapping[str, Any], where: str
) -> tuple[Params, list[tuple[int, History]]] | None:
    """Parameters of an operation, and the tensors that it is called on by port; None if it fits no node.

    Raises:
        FileRefusedError: a value is no plain one.
    """
    args, kwargs = node.get("args", []), node.get("kwargs", {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return None
    settings = {key: value for key, value in config.items() if key not in _OF_NODES}
    if spec.param("dtype") is None:
        settings.pop("dtype", None)
    if spec.many_inputs:
        wires = _listed(spec, args)
        settings |= kwargs
    else:
        named = _by_name(spec, args, kwargs, settings)
        tensors = {name: history_of(value) for name, value in named.items() if name in spec.ports}
        wires = [(spec.ports.index(name), found) for name, found in tensors.items() if found]
        settings |= {name: value for name, value in named.items() if not tensors.get(name)}
    params = _params(spec, settings, where)
    return None if params is None or not wires else (params, wires)


def _listed(spec: ClassSpec, args: list[Any]) -> list[tuple[int, History]]:
    listed = args if spec.class_name in _ONE_BY_ONE else args[0] if args else []
    found = [history_of(each) for each in listed] if isinstance(listed, list) else []
    return [(port, each) for port, each in enumerate(found) if each] if all(found) else []


def _by_name(
    spec: ClassSpec, args: list[Any], kwargs: dict[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a call by name; those of the configuration are not among them."""
    names = [param.name for param in spec.params if param.name not in config]
    if spec.ports[0] not in names:
        names.insert(0, spec.ports[0])
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _params(spec: ClassSpec, settings: Mapping[str, Any], where: str) -> Params | None:
    """Values that differ from their default; None if the entry does not have one of them."""
    params: Params = {}
    for name, value in settings.items():
        param = spec.param(name)
        if param is None and value not in (None, False):
            return None
        if param is None or (value is None and param.default is None and name != "key"):
            continue
        is_key = spec.class_name == "ops.get_item" and name == "key"
        plain = key_text(value) if is_key else plain_value(value, f"{where} parameter “{name}”")
        if plain != param.default or isinstance(plain, bool) != isinstance(param.default, bool):
            params[name] = plain
    return params


def key_text(key: Any) -> str:
    """What stands in brackets behind a tensor: ``:, 0:2``."""
    items = key.get("items", key) if isinstance(key, dict) else key
    parts = items if isinstance(items, list) else [items]
    text = ", ".join(_key_part(part) for part in parts)
    return f"{text}," if isinstance(items, list) and len(items) == 1 else text


def _key_part(part: Any) -> str:
    if isinstance(part, dict) and part.get("class_name") == "__slice__":
        ends = part.get("config", {})
        start, stop, step = (ends.get(name) for name in ("start", "stop", "step"))
        text = f"{'' if start is None else start}:{'' if stop is None else stop}"
        return text if step is None else f"{text}:{step}"
    if isinstance(part, dict) and part.get("class_name") == "__ellipsis__":
        return "..."
    return str(part)
