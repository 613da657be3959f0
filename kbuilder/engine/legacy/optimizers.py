"""Optimizers of Keras 2 as those of Keras 3 that take the same steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.values import KerasObject, Params
from kbuilder.engine.legacy.origin import Origin

_PREFIX = re.compile(r"^\w+>")
_RENAMED = {"lr": "learning_rate"}
_ROOT_OUTSIDE = {"RMSprop", "Adagrad"}
_DROPPED = {
    "decay",
    "name",
    "is_legacy_optimizer",
    "jit_compile",
    "schedule_decay",
    "momentum_cache",
}
_DIGITS = 7


def optimizer_from(catalogue: Catalogue, raw: Any, origin: Origin, notes: list[str]) -> KerasObject:
    """The optimizer; Adam with a note where it is one of a program or none."""
    if not isinstance(raw, Mapping):
        notes.append("It does not say which optimizer it had; Adam is taken.")
        return KerasObject(class_name="Adam")
    config = dict(raw.get("config") or {})
    name = _PREFIX.sub("", str(raw.get("class_name"))).rpartition(".")[2]
    if name == "LossScaleOptimizer" and isinstance(config.get("inner_optimizer"), Mapping):
        notes.append("Its LossScaleOptimizer comes back by itself when mixed_float16 is chosen.")
        return optimizer_from(catalogue, config["inner_optimizer"], origin, notes)
    is_new = origin.has_new_optimizers and (
        "is_legacy_optimizer" in config and not config["is_legacy_optimizer"]
    )
    name, params = _translated(name, config, origin, notes, is_new=is_new)
    spec = catalogue.find("optimizers", name)
    if spec is None:
        notes.append(f"Its optimizer “{name}” is not one of Keras 3; Adam is taken instead.")
        return KerasObject(class_name="Adam")
    kept: Params = {}
    for key, value in params.items():
        param = spec.param(key)
        if param is not None and value != param.default:
            kept[key] = value
        elif param is None and value not in (None, False):
            notes.append(f"The optimizer {name} had {key}={value!r}, which Keras 3 does not have.")
    return KerasObject(class_name=spec.class_name, params=kept)


def _translated(
    name: str, config: Mapping[str, Any], origin: Origin, notes: list[str], *, is_new: bool
) -> tuple[str, Params]:
    params: Params = {
        _RENAMED.get(key, key): _short(value)
        for key, value in config.items()
        if key not in _DROPPED
    }
    rate = params.get("learning_rate")
    if isinstance(rate, Mapping):
        params["learning_rate"] = _schedule(rate)
    if is_new:
        if name == "Nadam":
            notes.append(
                "Nadam of TensorFlow 2.11 to 2.15 counted its momentum once for each weight, that of Keras 3 "
                "counts once for each step: further training is a little other."
            )
        return name, params
    if name in _ROOT_OUTSIDE:
        _root_outside(name, params)
    if name == "Adagrad":
        params.setdefault("initial_accumulator_value", 0.0)
    if not origin.is_tensorflow and "clipnorm" in params:
        params["global_clipnorm"] = params.pop("clipnorm")  # the norm of all gradients together
    decay = float(config.get("decay") or 0.0)
    if name == "Nadam":
        params["schedule_decay"] = _short(config.get("schedule_decay", decay))
        return "LegacyNadam", params
    if decay and not isinstance(rate, Mapping):
        schedule = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": _short(decay)}
        schedule["initial_learning_rate"] = params.get("learning_rate", 0.01)
        params["learning_rate"] = {"class_name": "InverseTimeDecay", "params": schedule}
    return name, params


def _root_outside(name: str, params: Params) -> None:
    """Keras 2 added epsilon to the root, Keras 3 adds it below: its square is the same at zero."""
    epsilon = params.get("epsilon")
    fused = name == "RMSprop" and params.get("momentum")  # TensorFlow's kernel has it below, too
    if isinstance(epsilon, float) and not fused:
        params["epsilon"] = epsilon**2


def _schedule(raw: Mapping[str, Any]) -> dict[str, Any]:
    config = dict(raw.get("config") or {})
    return {
        "class_name": str(raw.get("class_name")),
        "params": {key: _short(value) for key, value in config.items() if value is not None},
    }


def _short(value: Any) -> Any:
    """0.001 for the 0.0010000000474974513 that float32 makes of it."""
    if not isinstance(value, float):
        return value
    short = float(f"{value:.{_DIGITS}g}")
    return short if abs(short - value) <= 1e-7 * abs(value) else value
