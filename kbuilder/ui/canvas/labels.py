"""The line on a node that tells its parameters."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication

from kbuilder.document.catalogue import ClassSpec, ParamSpec
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import INPUT_CLASS, Node

_UNNAMED = {"filters", "units", "kernel_size", "pool_size", "activation", "padding", "size"}
"""Parameters whose value speaks for itself."""
_TELLING = {"filters", "units", "kernel_size", "pool_size", "size", "momentum"}
"""Parameters that are shown although they have their default value."""
_LAST = ("activation", "padding")
"""Parameters that are read last, as in ``32 · 3×3 · relu · same``."""
_MOST = 4


def summary(node: Node, spec: ClassSpec | None, inputs: int, facts: NodeFacts | None) -> str:
    """The parameters that matter, as in ``32 · 3×3 · relu · same``."""
    if node.class_name == INPUT_CLASS:
        return _input_summary(node, facts)
    if spec is None:
        return QCoreApplication.translate("canvas", "unknown class")
    if spec.class_name == "Expression":
        return str(node.params.get("expression", ""))
    if spec.many_inputs:
        text = QCoreApplication.translate("canvas", "{count} inputs").format(count=inputs)
        return " · ".join([text, *_changed(node, spec)])
    return " · ".join(_changed(node, spec)[:_MOST])


def _input_summary(node: Node, facts: NodeFacts | None) -> str:
    shape = node.params.get("shape")
    dtype = node.params.get("dtype") or (facts.outputs[0].dtype if facts and facts.outputs else "")
    sizes = " × ".join("?" if size is None else str(size) for size in shape or ())
    return " · ".join(part for part in (sizes, str(dtype or "float32")) if part)


def _changed(node: Node, spec: ClassSpec) -> list[str]:
    shown: dict[str, str] = {}
    for param in spec.params:
        value = node.params.get(param.name, param.default)
        if param.name == "activation" and value is None:
            value = "linear"
        elif value is None or (value == param.default and param.name not in _TELLING):
            continue
        if param.advanced:
            continue
        shown[param.name] = _param_text(param, value)
    shown = {name: shown[name] for name in sorted(shown, key=_rank)}
    if list(shown) == ["units"]:
        return [QCoreApplication.translate("canvas", "{count} units").format(count=shown["units"])]
    return list(shown.values())


def _rank(name: str) -> int:
    return _LAST.index(name) + 1 if name in _LAST else 0


def _param_text(param: ParamSpec, value: Any) -> str:
    if isinstance(value, bool):
        return param.name if value else f"no {param.name}"
    text = _value_text(value)
    return text if param.name in _UNNAMED else f"{param.name} {text}"


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("class_name", "…"))
    if isinstance(value, (list, tuple)):
        whole = all(size is None or isinstance(size, int) for size in value)
        return "×".join("?" if size is None else str(size) for size in value) if whole else "[…]"
    return f"{value:g}" if isinstance(value, float) else str(value)
