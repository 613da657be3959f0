"""The values that a sweep tries of one option, as people type them.

``8, 16, 64`` lists values (JSON, or plain words); ``1e-4 .. 0.1 log`` is a range of numbers, evenly in
its logarithm with ``log``; ``in 5`` at its end takes five of them for a grid.
"""

from __future__ import annotations

import json
import re
from typing import Any

from kbuilder.document.catalogue import ParamSpec
from kbuilder.document.sweep import SweepParam

_RANGE = re.compile(
    r"(?P<low>\S+)\s*\.\.\s*(?P<high>\S+)(?P<log>\s+log)?(?:\s+in\s+(?P<steps>\d+))?\Z"
)


def text_of(param: SweepParam) -> str:
    """What stands in the field."""
    if param.values or param.low is None or param.high is None:
        return ", ".join(_word(value) for value in param.values)
    steps = f" in {param.steps}" if param.steps != SweepParam(name="").steps else ""
    return f"{param.low:.12g} .. {param.high:.12g}{' log' if param.log else ''}{steps}"


def parse(name: str, text: str, spec: ParamSpec | None) -> SweepParam:
    """The option as it was typed; a range of an option that takes whole numbers has whole numbers.

    Raises:
        ValueError: it cannot be read; the text says what is expected.
    """
    text = text.strip()
    if ".." not in text:
        return SweepParam(name=name, values=tuple(_values(text)))
    found = _RANGE.match(text)
    try:
        low, high = float(found["low"]), float(found["high"])  # type: ignore[index]
    except (TypeError, ValueError):
        raise ValueError(
            f"“{text}” is no range; write it as in 0.0001 .. 0.1 log, or list values as in 8, 16, 32."
        ) from None
    assert found is not None
    return SweepParam(
        name=name,
        low=low,
        high=high,
        log=bool(found["log"]),
        whole=spec is not None and spec.kinds[0] == "int",
        steps=int(found["steps"] or SweepParam(name="").steps),
    )


def first_guess(name: str, spec: ParamSpec, value: Any) -> SweepParam:
    """Something sensible to try around the value that the option has."""
    kind = spec.kinds[0]
    if kind == "bool":
        return SweepParam(name=name, values=(False, True))
    if kind == "choice":
        return SweepParam(name=name, values=spec.choices)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return SweepParam(name=name, values=() if value is None else (value,))
    low, high = (value / 4, value * 4) if kind == "int" else (value / 10, value * 10)
    if spec.maximum is not None:
        high = min(high, spec.maximum)
    if spec.minimum is not None:
        low = max(low, spec.minimum)
    if kind == "int":
        return SweepParam(
            name=name, low=max(1, low // 1), high=high // 1, whole=True, log=value >= 8
        )
    return SweepParam(name=name, low=low, high=high, log=spec.maximum is None)


def _values(text: str) -> list[Any]:
    """The values between commas; a comma within brackets or quotes does not part them."""
    try:
        whole = json.loads(f"[{text}]")
    except ValueError:
        return [_value(word.strip()) for word in text.split(",") if word.strip()]
    return list(whole)


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _value(value) == value else json.dumps(value)
