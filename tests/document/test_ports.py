"""Names of ports, whatever stands in the parameters that they follow from."""

from __future__ import annotations

from typing import Any

import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.ports import MOST_OUTPUTS, gives_list, output_ports


@pytest.mark.parametrize(
    ("class_name", "params", "count"),
    [
        ("ops.split", {"indices_or_sections": 3}, 3),
        ("ops.split", {"indices_or_sections": [1, 2]}, 3),
        ("ops.split", {"indices_or_sections": 10**12}, MOST_OUTPUTS),
        ("ops.split", {"indices_or_sections": "many"}, 1),
        ("ops.unstack", {"num": 4}, 4),
        ("ops.unstack", {}, 1),
        ("ops.unstack", {"num": "four"}, 1),
        ("ops.unravel_index", {"shape": [2, 3]}, 2),
        ("ops.unravel_index", {"shape": 7}, 1),
        ("ops.svd", {}, 3),
        ("ops.svd", {"compute_uv": False}, 1),
        ("Expression", {"expression": "(x, x + 1)"}, 2),
    ],
)
def test_outputs_of_operations(class_name: str, params: dict[str, Any], count: int) -> None:
    spec = load_catalogue().layer(class_name)
    assert spec is not None
    assert len(output_ports(spec, params, {})) == count


@pytest.mark.parametrize(
    ("class_name", "params", "listed"),
    [
        ("ops.unstack", {}, True),
        ("ops.relu", {}, False),
        ("Expression", {"expression": "(x,)"}, True),
        ("Expression", {"expression": "x"}, False),
    ],
)
def test_what_gives_a_list_even_of_one(
    class_name: str, params: dict[str, Any], listed: bool
) -> None:
    spec = load_catalogue().layer(class_name)
    assert spec is not None
    assert gives_list(spec, params) == listed
