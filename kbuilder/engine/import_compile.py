"""The compile configuration of a model file as options of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Node
from kbuilder.document.naming import snake_case
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.values import KerasObject
from kbuilder.engine.import_params import class_and_config, params_from

Judge = Literal["losses", "metrics"]

_SHORT_NAMES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "logcosh": "LogCosh",
}
_BY_LOSS = (
    ("Sparse", "SparseCategorical"),
    ("Binary", "Binary"),
    ("Categorical", "Categorical"),
)


def compile_from(
    catalogue: Catalogue, raw: dict[str, Any], outputs: Sequence[Node], where: str
) -> tuple[CompileOptions, tuple[str, ...]]:
    """Options by output node, and notes on what could not be taken over."""
    notes: list[str] = []
    names = [node.name for node in outputs]
    losses = each_output(raw.get("loss"), names, single_for_all=True)
    weights = each_output(raw.get("loss_weights"), names, single_for_all=False)
    metrics = _metrics(raw.get("metrics"), names)
    options = {}
    for node, loss, weight, listed in zip(outputs, losses, weights, metrics, strict=True):
        judged = _taken(catalogue, "losses", loss, "", f"{where}: the loss of “{node.name}”", notes)
        found = [
            _taken(
                catalogue,
                "metrics",
                metric,
                judged.class_name if judged else "",
                f"{where}: a metric of “{node.name}”",
                notes,
            )
            for metric in listed
        ]
        options[node.id] = OutputOptions(
            loss=judged,
            loss_weight=float(weight) if isinstance(weight, int | float) else 1.0,
            metrics=tuple(metric for metric in found if metric is not None),
        )
    if any(raw.get("weighted_metrics") or []):
        notes.append("Its weighted metrics are not taken over.")
    optimizer = _optimizer(catalogue, raw, where, notes)
    return CompileOptions(optimizer=optimizer, outputs=options), tuple(notes)


def _optimizer(
    catalogue: Catalogue, raw: dict[str, Any], where: str, notes: list[str]
) -> KerasObject:
    found = raw.get("optimizer_config", raw.get("optimizer"))
    if isinstance(found, str):
        found = {"class_name": class_of(catalogue, found, "optimizers"), "config": {}}
    if found is None:
        notes.append("It does not say which optimizer it had; Adam is taken.")
        return KerasObject(class_name="Adam")
    try:
        return _object(catalogue, "optimizers", found, f"{where}: the optimizer")
    except FileRefusedError as error:
        notes.append(f"{error} Adam is taken instead.")
        return KerasObject(class_name="Adam")


def _object(catalogue: Catalogue, section: Any, raw: Any, where: str) -> KerasObject:
    name, config = class_and_config(raw, where)
    params = params_from(catalogue, section, name, config, where)
    spec = catalogue.find(section, name)
    if re.fullmatch(rf"{re.escape(snake_case(name))}(_\d+)?", str(params.get("name", ""))):
        params.pop("name")  # counted up by Keras, chosen by nobody
    return KerasObject(class_name=spec.class_name if spec else name, params=params)


def _taken(
    catalogue: Catalogue, section: Judge, raw: Any, loss: str, where: str, notes: list[str]
) -> KerasObject | None:
    """A loss or metric, or None with a note where it is a function of a program."""
    if isinstance(raw, dict) and raw.get("class_name") == "function":
        raw = raw.get("config")
    if raw is None:
        return None
    try:
        if not isinstance(raw, str):
            return _object(catalogue, section, raw, where)
        class_name = class_of(catalogue, raw, section, loss)
    except FileRefusedError as error:
        notes.append(str(error))
        return None
    spec = catalogue.find(section, class_name)
    if spec is None:
        notes.append(f"{where}, “{raw[:60]}”, is not one of Keras and is not taken over.")
        return None
    named = section == "metrics" and raw != snake_case(class_name)
    return KerasObject(class_name=class_name, params={"name": raw} if named else {})


def class_of(catalogue: Catalogue, name: str, section: Any, loss: str = "") -> str:
    """The class that Keras means by a name; accuracy goes by the loss, as in ``compile``."""
    if name in ("accuracy", "acc", "crossentropy", "ce"):
        kind = next((kind for start, kind in _BY_LOSS if loss.startswith(start)), "")
        ending = "Accuracy" if name in ("accuracy", "acc") else "Crossentropy"
        return (kind or ("Binary" if ending == "Crossentropy" else "")) + ending
    specs = getattr(catalogue, section)
    by_name = {snake_case(spec.class_name): spec.class_name for spec in specs}
    by_name |= {spec.class_name.lower(): spec.class_name for spec in specs}
    return _SHORT_NAMES.get(name.lower()) or by_name.get(name.lower(), name)


def each_output(raw: Any, names: Sequence[str], *, single_for_all: bool) -> list[Any]:
    """One entry for each output, from one for all, a list, or a dictionary by output."""
    if isinstance(raw, dict) and "class_name" not in raw:
        return [raw.get(name) for name in names]
    if isinstance(raw, list):
        return [raw[number] if number < len(raw) else None for number in range(len(names))]
    return [raw if single_for_all or len(names) == 1 else None for _ in names]


def _metrics(raw: Any, names: list[str]) -> list[list[Any]]:
    if len(names) == 1 and isinstance(raw, list):
        raw = [raw[0] if len(raw) == 1 and isinstance(raw[0], list) else raw]
    found = each_output(raw, names, single_for_all=False)
    return [
        item if isinstance(item, list) else [item] if item is not None else [] for item in found
    ]
