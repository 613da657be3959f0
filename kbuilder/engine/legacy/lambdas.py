"""Lambda layers: their code is read as an expression, or the layer is kept and never built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbuilder.document.expression import ExpressionError, parsed
from kbuilder.engine.legacy.bytecode import expression_of
from kbuilder.engine.legacy.functions import UntranslatableError


def read_lambda(config: Mapping[str, Any], name: str, inputs: int) -> tuple[dict[str, Any], str]:
    """An Expression that waits for approval, or the layer as it is; and a note for people."""
    try:
        text = expression_text(config, inputs)
    except (UntranslatableError, ExpressionError) as error:
        kept = {"class_name": "Lambda", "module": "program", "config": dict(config)}
        return kept, (
            f"“{name}” is a Lambda whose code is kept and not run: {error}. Put an Expression or other "
            "layers in its place."
        )
    made = {"class_name": "Expression", "config": {"expression": text, "approved": False}}
    return (
        made,
        f"“{name}” was a Lambda; its code was read, not run, as {text}. Check it and accept it.",
    )


def expression_text(config: Mapping[str, Any], inputs: int) -> str:
    """The expression that the code of a Lambda means.

    Raises:
        UntranslatableError: it does what no expression does.
        ExpressionError: what it does is too long for one.
    """
    function = config.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        if function.get("class_name") != "__lambda__" or not isinstance(inner, dict):
            raise UntranslatableError(f"it calls the function “{str(inner)[:40]}” of a program")
        function = [inner.get("code"), inner.get("defaults"), inner.get("closure")]
    if not isinstance(function, list) or not function:
        raise UntranslatableError(f"it calls the function “{str(function)[:40]}” of a program")
    arguments = config.get("arguments")
    text = expression_of(function, arguments if isinstance(arguments, dict) else {}, inputs)
    parsed(text)
    return text


def without_lambdas(config: Any) -> tuple[Any, tuple[str, ...]]:
    """The configuration of a model of Keras 3 with its Lambda layers read, at any depth; and notes."""
    notes: list[str] = []
    return _read_inside(config, notes), tuple(notes)


def _read_inside(value: Any, notes: list[str]) -> Any:
    if isinstance(value, list):
        return [_read_inside(item, notes) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") != "Lambda" or not isinstance(value.get("config"), dict):
        return {key: _read_inside(item, notes) for key, item in value.items()}
    config = value["config"]
    name = str(config.get("name", "lambda"))
    nodes = value.get("inbound_nodes") or [{}]
    inputs = max(1, str(nodes[0]).count("__keras_tensor__"))
    made, note = read_lambda(config, name, inputs)
    notes.append(note)
    kept = {key: value[key] for key in ("name", "inbound_nodes") if key in value}
    return {**kept, **made, "config": {**made["config"], "name": name}}
