"""Convolution, pooling and cropping: windows, strides and groups that do not fit the input."""

from __future__ import annotations

import math
import re
from typing import Any

from kbuilder.document.problems import Problem
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import words
from kbuilder.engine.diagnosis.case import Case


def too_large(case: Case) -> Problem | None:
    """A kernel or pool that is larger than the input it moves over."""
    name = _window_name(case)
    sizes = _moved_over(case)
    if not name or sizes is None or case.value("padding") != "valid":
        return None
    window = _numbers(case.value(name), len(sizes))
    dilation = _numbers(case.value("dilation_rate") or 1, len(sizes))
    fitting = [
        min(length, (size - 1) // rate + 1) if size else length
        for length, rate, size in zip(window, dilation, sizes, strict=True)
    ]
    if fitting == window:
        return None
    smaller = fitting[0] if isinstance(case.value(name), int) else fitting
    fixes = [case.set(padding="same")]
    if min(fitting) > 0:
        text = f"Set {name} to {shown(smaller)}"
        fixes.append(case.set(text, **{name: smaller}))
    return case.problem(
        "window-too-large",
        f"{case.title} moves a window of {_by(window, dilation)} over an input of "
        f"{words(case.inputs[0].shape)}, which is smaller. Use padding “same”, a smaller {name}, or "
        "less pooling in front of it.",
        fixes,
        name,
    )


def strides_and_dilation(case: Case) -> Problem | None:
    """Strides and dilation at the same layer, which Keras cannot compute."""
    sizes = _moved_over(case)
    if "Conv" not in case.node.class_name or sizes is None:
        return None
    strides = _numbers(case.value("strides"), len(sizes))
    dilation = _numbers(case.value("dilation_rate"), len(sizes))
    if max(strides) == 1 or max(dilation) == 1:
        return None
    ones = [1] * len(sizes)
    return case.problem(
        "strides-dilation",
        f"{case.title} has strides {tuple(strides)} and dilation_rate {tuple(dilation)}; Keras takes "
        "one of them above 1, not both. Set the other to 1.",
        [case.set(dilation_rate=ones), case.set(strides=ones)],
        "dilation_rate",
    )


def uneven_groups(case: Case) -> Problem | None:
    """Groups that do not divide the channels of the input or the filters."""
    groups = case.value("groups")
    channels = _channels(case)
    if not isinstance(groups, int) or groups < 1 or channels is None:
        return None
    if case.node.class_name == "GroupNormalization":
        return _norm_groups(case, groups, channels)
    filters = case.value("filters")
    if not isinstance(filters, int) or (channels % groups == 0 and filters % groups == 0):
        return None
    common = math.gcd(math.gcd(channels, filters), groups)
    fixes = [case.set(groups=common)]
    if channels % groups == 0:
        fixes.insert(0, case.set(filters=-(-filters // groups) * groups))
    return case.problem(
        "groups",
        f"{case.title} has {groups} groups, which must divide the {channels} channels of its input and "
        f"its {filters} filters. Choose a divisor of both.",
        fixes,
        "groups",
    )


def _norm_groups(case: Case, groups: int, channels: int) -> Problem | None:
    if channels % groups == 0:
        return None
    best = max(number for number in range(1, min(groups, channels) + 1) if channels % number == 0)
    return case.problem(
        "groups",
        f"{case.title} has {groups} groups, which must divide the {channels} channels of its input. "
        "Choose a divisor.",
        [case.set(groups=best)],
        "groups",
    )


def crop_too_large(case: Case) -> Problem | None:
    """Cropping that leaves nothing of the input."""
    if not case.node.class_name.startswith("Cropping") or not case.inputs:
        return None
    sizes = case.inputs[0].shape[1:-1]
    pairs = _pairs(case.value("cropping"), len(sizes))
    if len(pairs) != len(sizes):
        return None
    fitting = [
        [0, 0] if size is not None and sum(pair) >= size else pair
        for pair, size in zip(pairs, sizes, strict=True)
    ]
    if fitting == pairs:
        return None
    value = fitting[0] if len(sizes) == 1 else fitting
    return case.problem(
        "crop-too-large",
        f"{case.title} cuts off as much as its input {words(case.inputs[0].shape)} has. Crop less.",
        [case.set(cropping=value)],
        "cropping",
    )


def _window_name(case: Case) -> str:
    return next((name for name in ("kernel_size", "pool_size") if case.spec.param(name)), "")


def _moved_over(case: Case) -> tuple[int | None, ...] | None:
    """Sizes of the dimensions that a window moves over; None for other layers."""
    found = re.search(r"([123])D", case.node.class_name)
    if not found or not case.inputs:
        return None
    shape, count = case.inputs[0].shape, int(found[1])
    return shape[2 : 2 + count] if _channels_first(case) else shape[-1 - count : -1]


def _channels(case: Case) -> int | None:
    if not case.inputs or len(case.inputs[0].shape) < 2:
        return None
    return case.inputs[0].shape[1 if _channels_first(case) else -1]


def _channels_first(case: Case) -> bool:
    return bool(case.value("data_format") == "channels_first")


def _numbers(value: Any, count: int) -> list[int]:
    """One number for each dimension; 1 where there is none, which Keras refuses in its own words."""
    if isinstance(value, int):
        return [value] * count
    if not isinstance(value, list | tuple) or len(value) != count:
        return [1] * count
    return [number if isinstance(number, int) else 1 for number in value]


def _pairs(value: Any, count: int) -> list[list[int]]:
    """What is cut at both ends of each dimension; nothing where Keras would not understand it."""
    if isinstance(value, int):
        return [[value, value]] * count
    if not isinstance(value, list | tuple):
        return []
    if count == 1:
        value = [value]
    pairs = [[each, each] if isinstance(each, int) else each for each in value]
    whole = all(
        isinstance(pair, list | tuple) and [type(number) for number in pair] == [int, int]
        for pair in pairs
    )
    return [list(pair) for pair in pairs] if whole else []


def _by(window: list[int], dilation: list[int]) -> str:
    """The span of a window, as in 3 × 3."""
    spans = [(length - 1) * rate + 1 for length, rate in zip(window, dilation, strict=True)]
    return " × ".join(map(str, spans))
