"""The ``Merge`` layer of the first Keras 2, which chose by ``mode`` what are layers of their own now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MODES = {
    "sum": "Add",
    "mul": "Multiply",
    "concat": "Concatenate",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
    "cos": "Dot",
}


def upgraded_merge(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """The layer of today, or None if it is no ``Merge`` or one that runs code."""
    config = raw.get("config") or {}
    mode = config.get("mode")
    if raw.get("class_name") != "Merge" or mode not in _MODES:
        return None
    params: dict[str, Any] = {}
    if mode == "concat":
        params["axis"] = config.get("concat_axis", -1)
    elif mode in ("dot", "cos"):
        params |= {"axes": config.get("dot_axes", -1), "normalize": mode == "cos"}
    return {"class_name": _MODES[mode], "config": params}
