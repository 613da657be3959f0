"""The state of an optimizer of Keras 2 put into one of Keras 3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import keras
import numpy as np

from kbuilder.engine.legacy.upgrade import Leaf
from kbuilder.engine.weight_files import read_names

Named = list[tuple[str, np.ndarray]]

_SLOTS: dict[str, tuple[tuple[str, str], ...]] = {
    "SGD": (("momentums", "momentum m"),),
    "RMSprop": (
        ("_velocities", "rms velocity"),
        ("_momentums", "momentum"),
        ("_average_gradients", "mg average_gradient"),
    ),
    "Adagrad": (("_accumulators", "accumulator"),),
    "Adadelta": (
        ("_accumulated_grads", "accum_grad accumulated_grad"),
        ("_accumulated_delta_vars", "accum_var accumulated_delta_var"),
    ),
    "Adam": (
        ("_momentums", "m momentum"),
        ("_velocities", "v velocity"),
        ("_velocity_hats", "vhat velocity_hat"),
    ),
    "Adamax": (("_m", "m"), ("_u", "v u")),
    "Nadam": (("_momentums", "m momentum"), ("_velocities", "v velocity")),
    "Ftrl": (("_accumulators", "accumulator"), ("_linears", "linear")),
    "Lion": (("_momentums", "m momentum"),),
}
"""Attributes of the optimizers of Keras 3, and what their variables are called in files."""

_ONE_BY_ONE = {"SGD", "RMSprop", "Adagrad", "Lion"}
_ALIASES = {"AdamW": "Adam", "LegacyNadam": "Nadam"}


def restore(
    file: h5py.File, model: keras.Model, leaves: Sequence[Leaf], layers: Mapping[str, keras.Layer]
) -> bool:
    """Put the state of the optimizer back; tells whether there was one that fits."""
    optimizer = model.optimizer
    kind = next((c.__name__ for c in type(optimizer).__mro__ if _kind(c.__name__) in _SLOTS), "")
    stored = _stored(file)
    if not stored or not kind:
        return False
    optimizer.build(model.trainable_variables)
    order = _learning_in_file(leaves, layers)
    steps, rest = _steps(stored)
    slots = [(vars_of(optimizer, name), words) for name, words in _SLOTS[_kind(kind)]]
    slots = [(variables, words) for variables, words in slots if variables]
    places = [optimizer._get_variable_index(variable) for variable in order]
    wanted = [[variables[place] for place in places] for variables, _ in slots]
    rest = _restore_averages(optimizer, rest, order)
    found = _by_name(rest, slots, len(order)) or _by_order(rest, wanted, _kind(kind))
    if found is None or not all(
        [tuple(v.shape) for v in variables] == [value.shape for value in values]
        for variables, values in zip(wanted, found, strict=True)
    ):
        return False
    for variables, values in zip(wanted, found, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    if steps is not None:
        optimizer.iterations.assign(int(steps))
    if isinstance(optimizer, keras.optimizers.Nadam):
        optimizer._u_product.assign(_schedule_product(optimizer, int(steps or 0)))
    return True


def vars_of(optimizer: Any, name: str) -> list[Any]:
    """A list of variables, empty where this optimizer was made without them."""
    found = getattr(optimizer, name, None)
    return list(found) if isinstance(found, list | tuple) else []


def _kind(name: str) -> str:
    return _ALIASES.get(name, name)


def _stored(file: h5py.File) -> Named:
    """Variables of the optimizer in the order of the file."""
    if "optimizer_weights" in file:
        group = file["optimizer_weights"]
        return [(name, np.asarray(group[name])) for name in read_names(group, "weight_names")]
    for place in ("optimizer/vars", "_optimizer/vars"):
        if place in file:
            keys = sorted((key for key in file[place] if key.isdecimal()), key=int)
            return [("", np.asarray(file[place][key])) for key in keys]
    return []


def _learning_in_file(leaves: Sequence[Leaf], layers: Mapping[str, keras.Layer]) -> list[Any]:
    """What learns, in the order of Keras 2: layer by layer as the file lists them."""
    found: list[Any] = []
    for leaf in leaves:
        layer = layers.get(leaf.node)
        if layer is not None:
            known = {id(variable) for variable in found}
            found += [v for v in layer.trainable_variables if id(v) not in known]
    return found


def _steps(stored: Named) -> tuple[int | None, Named]:
    """How many steps were done, and everything but that and the learning rate."""
    steps: int | None = None
    rest: Named = []
    for number, (name, value) in enumerate(stored):
        last = name.rpartition("/")[2].partition(":")[0]
        if value.shape == () and (last in ("iter", "iterations", "iteration") or number == 0):
            steps = int(value)
        elif value.shape != () or last not in ("learning_rate", "current_learning_rate", ""):
            rest.append((name, value))
    return steps, rest


def _by_name(
    rest: Named, slots: Sequence[tuple[list[Any], str]], count: int
) -> list[list[np.ndarray]] | None:
    """Values for each slot by the words in their names, or None where names do not say."""
    found = [
        [value for name, value in rest if _words(name) & set(words.split())] for _, words in slots
    ]
    return found if all(len(values) == count for values in found) else None


def _words(name: str) -> set[str]:
    """``Adam/dense/kernel/m:0`` and ``Adam/m/dense/kernel:0`` both hold ``m``."""
    parts = re.sub(r"(_\d+)?:\d+$", "", name).split("/")
    return {parts[-1], parts[1] if len(parts) > 2 else ""} - {""}


def _by_order(rest: Named, wanted: list[list[Any]], kind: str) -> list[list[np.ndarray]] | None:
    """Values by their place.

    One slot came after the other, but for files without names, where most optimizers of TensorFlow 2.11
    and later have the first two slots of each variable together.
    """
    values = [value for _, value in rest if value.shape != ()]
    count, slots = len(wanted[0]) if wanted else 0, len(wanted)
    if len(values) < count * slots:
        return None
    paired = 2 if not any(name for name, _ in rest) and kind not in _ONE_BY_ONE and slots > 1 else 1
    paired = min(paired, slots)
    found = [values[at : count * paired : paired] for at in range(paired)]
    return found + [values[at * count : (at + 1) * count] for at in range(paired, slots)]


def _restore_averages(optimizer: Any, rest: Named, order: list[Any]) -> Named:
    """Put the moving averages of weights (EMA) back where both have them; returns what else there is."""
    averages = vars_of(optimizer, "_model_variables_moving_average")
    has_names = any(name for name, _ in rest)
    first = [value for name, value in rest if "average" in name.split("/")]
    if not has_names and averages:
        first = [value for _, value in rest[: len(order)]]
    if averages and len(first) == len(order):
        for variable, value in zip(order, first, strict=True):
            averages[optimizer._get_variable_index(variable)].assign(value)
    kept = {id(value) for value in first}
    return [(name, value) for name, value in rest if id(value) not in kept]


def _schedule_product(optimizer: Any, steps: int) -> float:
    """Nadam's product of momentums, which Keras 2 did not save."""
    slower = float(getattr(optimizer, "schedule_decay", 1.0))
    momentums = optimizer.beta_1 * (1.0 - 0.5 * 0.96 ** (np.arange(1, steps + 1) * slower))
    return float(np.prod(momentums))
