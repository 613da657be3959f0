"""What an old file says of its compilation, as options of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Node
from kbuilder.document.naming import snake_case
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.values import KerasObject, Params
from kbuilder.engine.import_compile import each_output
from kbuilder.engine.legacy.optimizers import optimizer_from
from kbuilder.engine.legacy.origin import Origin

_CLASSES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "kullback_leibler_divergence": "KLDivergence",
    "kl_divergence": "KLDivergence",
    "logcosh": "LogCosh",
    "log_cosh": "LogCosh",
    "cosine": "CosineSimilarity",
    "cosine_proximity": "CosineSimilarity",
    "cosine_similarity": "CosineSimilarity",
    "top_k_categorical_accuracy": "TopKCategoricalAccuracy",
    "sparse_top_k_categorical_accuracy": "SparseTopKCategoricalAccuracy",
}
_FULL_NAMES = {"mse", "mae", "mape", "msle", "kld", "cosine"}
_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")
_PREFIX = re.compile(r"^\w+>")
_DROPPED = {"dtype", "reduction", "name", "fn"}
_REDUCTIONS = {"none", "sum", "sum_over_batch_size"}
_HINGES = {"Hinge", "SquaredHinge"}


@dataclass(frozen=True)
class OldOutput:
    """An output: its node, its name in the file, and the last size of what it gives."""

    node: Node
    name: str
    width: int | None


def compile_options(
    catalogue: Catalogue,
    raw: Mapping[str, Any],
    outputs: Sequence[OldOutput],
    origin: Origin,
) -> tuple[CompileOptions, tuple[str, ...]]:
    """Options by output node, and notes on what is lost or has changed its meaning."""
    reader = _Reader(catalogue, origin)
    names = [output.name for output in outputs]
    losses = each_output(raw.get("loss"), names, single_for_all=True)
    weights = each_output(raw.get("loss_weights"), names, single_for_all=False)
    metrics = _each_list(raw.get("metrics"), names)
    weighted = _each_list(raw.get("weighted_metrics"), names)
    options = {}
    for output, loss, weight, plain, heavy in zip(
        outputs, losses, weights, metrics, weighted, strict=True
    ):
        judged = reader.loss(loss)
        options[output.node.id] = OutputOptions(
            loss=judged,
            loss_weight=float(weight) if isinstance(weight, int | float) else 1.0,
            metrics=tuple(reader.metrics(plain, judged, output)),
            weighted_metrics=tuple(reader.metrics(heavy, judged, output)),
        )
    optimizer = optimizer_from(catalogue, raw.get("optimizer_config"), origin, reader.notes)
    if reader.missing:
        reader.notes.insert(
            0,
            "It was compiled with functions of a program; needs: "
            f"{', '.join(dict.fromkeys(reader.missing))}. "
            "Write them under Code, or choose others.",
        )
    return CompileOptions(optimizer=optimizer, outputs=options), tuple(reader.notes)


class _Reader:
    """Losses and metrics as objects of Keras 3. ``missing`` are names that Keras does not have."""

    def __init__(self, catalogue: Catalogue, origin: Origin) -> None:
        self.notes: list[str] = []
        self.missing: list[str] = []
        self._catalogue = catalogue
        self._origin = origin

    def loss(self, raw: Any) -> KerasObject | None:
        """The loss of one output."""
        if raw is None:
            return None
        name, config = _unwrapped(raw)
        found = self._object("losses", name, config)
        reduction = config.get("reduction")
        if reduction in _REDUCTIONS and reduction != "sum_over_batch_size":
            found = KerasObject(
                class_name=found.class_name, params={**found.params, "reduction": reduction}
            )
        if found.class_name in _HINGES:
            self.notes.append(
                f"{found.class_name} of Keras 3 takes targets 0 and 1 as -1 and 1; Keras 2 took them as "
                "they are."
            )
        return found

    def metrics(
        self, listed: Sequence[Any], loss: KerasObject | None, output: OldOutput
    ) -> list[KerasObject]:
        """Metrics of one output, with the names that its history had."""
        found = []
        for raw in listed:
            if raw is None:
                continue
            name, config = _unwrapped(raw)
            shown = str(config.get("name") or self._shown(name))
            shown = shown.removeprefix(f"{output.name}_")
            if name in (*_ACCURACY, *_CROSSENTROPY):
                name = self._by_loss(name, loss, output)
            made = self._object("metrics", name, config)
            named = {"name": shown} if shown != snake_case(made.class_name) else {}
            found.append(KerasObject(class_name=made.class_name, params={**made.params, **named}))
        return found

    def _shown(self, name: str) -> str:
        """The key in the history. The Keras of its own wrote full names, and ``acc`` before 2.3."""
        if self._origin.is_tensorflow:
            return name
        if name in _ACCURACY:
            return "acc" if self._origin.numbers < (2, 3) else name
        return snake_case(_CLASSES[name]) if name in _FULL_NAMES else name

    def _by_loss(self, name: str, loss: KerasObject | None, output: OldOutput) -> str:
        """What “accuracy” meant: by the loss and the width of the output."""
        ending = "Accuracy" if name in _ACCURACY else "Crossentropy"
        kind = loss.class_name if loss is not None else ""
        by_loss = not self._origin.is_tensorflow or self._origin.numbers < (2, 3)
        if output.width == 1 or (by_loss and kind == "BinaryCrossentropy"):
            return f"Binary{ending}"
        sparse = "Sparse" if kind.startswith("Sparse") else ""
        return f"{sparse}Categorical{ending}"

    def _object(self, section: Any, name: str, config: Mapping[str, Any]) -> KerasObject:
        class_name = _class_of(self._catalogue, section, name)
        spec = self._catalogue.find(section, class_name)
        if spec is None:
            self.missing.append(name)
            return KerasObject(class_name=name, params={})
        params: Params = {
            key: value
            for key, value in config.items()
            if key not in _DROPPED
            and (param := spec.param(key)) is not None
            and value != param.default
            and not isinstance(value, dict)
        }
        return KerasObject(class_name=spec.class_name, params=params)


def _class_of(catalogue: Catalogue, section: Any, name: str) -> str:
    if catalogue.find(section, name) is not None:
        return name
    by_name = {snake_case(spec.class_name): spec.class_name for spec in catalogue.listed(section)}
    return _CLASSES.get(name) or by_name.get(name, name)


def _unwrapped(raw: Any) -> tuple[str, dict[str, Any]]:
    """Name and configuration, through the wrappers that tf.keras puts around functions."""
    if isinstance(raw, str):
        return _PREFIX.sub("", raw), {}
    if not isinstance(raw, dict):
        return str(raw), {}
    name, config = str(raw.get("class_name")), raw.get("config")
    if name == "function" and isinstance(config, str):
        return _PREFIX.sub("", config), {}
    config = dict(config) if isinstance(config, dict) else {}
    function = config.get("fn")
    if (
        name in ("MeanMetricWrapper", "LossFunctionWrapper", "SumOverBatchSizeMetricWrapper")
        and function
    ):
        inner, _ = _unwrapped(function)
        return inner, config
    return _PREFIX.sub("", name), config


def _each_list(raw: Any, names: Sequence[str]) -> list[list[Any]]:
    """Metrics of each output. A plain list was for all outputs."""
    if isinstance(raw, dict) and "class_name" not in raw:
        found = [raw.get(name) for name in names]
    elif isinstance(raw, list) and any(isinstance(item, list) for item in raw):
        found = [raw[number] if number < len(raw) else [] for number in range(len(names))]
    else:
        found = [raw for _ in names]
    return [item if isinstance(item, list) else [] if item is None else [item] for item in found]
