"""Long rows of equal tests: some of each run every time, all of them by ``make test-full``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sparse(values: Iterable[Any], every: int) -> list[Any]:
    """The values as parameters of a test, all but each so manieth marked ``full``."""
    return [
        value if number % every == 0 else pytest.param(value, marks=pytest.mark.full)
        for number, value in enumerate(values)
    ]
