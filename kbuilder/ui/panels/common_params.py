"""What several layers have in common: parameters that all of them take, and values that are equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kbuilder.document.catalogue import ClassSpec, ParamSpec


def common_params(specs: Iterable[ClassSpec]) -> tuple[ParamSpec, ...]:
    """The parameters that all classes take in the same way, in the order of the first, without names."""
    first, *others = {spec.class_name: spec for spec in specs}.values()
    return tuple(
        param
        for param in first.params
        if param.name != "name" and all(_alike(param, other.param(param.name)) for other in others)
    )


def common_values(
    values: Sequence[Mapping[str, Any]], params: Iterable[ParamSpec]
) -> tuple[dict[str, Any], set[str]]:
    """The values that are equal in all, and the names of the parameters that differ.

    A parameter that is missing has its default.
    """
    equal: dict[str, Any] = {}
    mixed: set[str] = set()
    for param in params:
        found = [each.get(param.name, param.default) for each in values]
        if any(value != found[0] for value in found[1:]):
            mixed.add(param.name)
        elif any(param.name in each for each in values):
            equal[param.name] = found[0]
    return equal, mixed


def _alike(one: ParamSpec, other: ParamSpec | None) -> bool:
    """Whether the same field serves both, with the same default to go back to."""
    return other is not None and (one.kinds, one.length, one.of, one.choices, one.default) == (
        other.kinds,
        other.length,
        other.of,
        other.choices,
        other.default,
    )
