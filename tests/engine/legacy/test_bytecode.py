"""Code of Python 2.7 and 3.6 to 3.13, as Keras saved it in Lambda layers, read and never run.

``bytecode.json`` has the same functions as each of these Pythons compiled them, by marshal and in base64.
"""

from __future__ import annotations

import base64
import json
import marshal
from pathlib import Path

import pytest

from kbuilder.document.expression import parsed
from kbuilder.engine.legacy.bytecode import expression_of
from kbuilder.engine.legacy.functions import UntranslatableError
from kbuilder.engine.legacy.lambdas import read_lambda
from kbuilder.engine.legacy.marshal_reader import MarshalError, read_code

STORED = json.loads((Path(__file__).parent / "bytecode.json").read_text())
MEANS = {
    "siamese": "ops.sqrt(ops.maximum(ops.maximum(ops.sum(ops.square((x[0] - x[1])), axis=1, keepdims=True), "
    "1e-07), 0.0))",
    "rectified": "ops.concatenate([ops.relu((x - ops.mean(x, axis=1, keepdims=True))), "
    "ops.relu((-(x - ops.mean(x, axis=1, keepdims=True))))], axis=1)",
    "imported": "ops.softmax(x, axis=-1)",
    "scaled": "(x * 2.0) + 1",
    "reshaped": "ops.reshape(x, (-1, x.shape[1], 2))",
    "power": "((x ** 2) / 3.0) - 1",
    "sliced": "x[:, ::-1, 1:5]",
    "first": "x[0] - x[1]",
    "cast": "ops.cast(x, 'float32') * 3.141592653589793",
    "compared": "ops.cast((x > 0.5), 'float32')",
    "closed": "x[:, (-3):] * 3",
}


def read(version: str, name: str, arguments=None) -> str:
    inputs = 2 if name in ("siamese", "first") else 1
    function = [
        STORED[version][name],
        [2.0] if name == "scaled" else None,
        [3] if name == "closed" else None,
    ]
    return expression_of(function, arguments or {}, inputs)


@pytest.mark.parametrize("version", STORED)
@pytest.mark.parametrize("name", MEANS)
def test_every_python_means_the_same(version: str, name: str) -> None:
    assert read(version, name) == MEANS[name]
    parsed(MEANS[name])


@pytest.mark.parametrize("version", STORED)
@pytest.mark.parametrize("name", ["branched", "looped", "outside"])
def test_what_is_no_expression_is_not_guessed(version: str, name: str) -> None:
    with pytest.raises(UntranslatableError):
        read(version, name)


@pytest.mark.parametrize("version", STORED)
def test_arguments_of_the_layer_win_over_defaults(version: str) -> None:
    assert read(version, "scaled", {"factor": 5.0}) == "(x * 5.0) + 1"


def test_code_of_keras_2_1_is_escaped_text() -> None:
    content = base64.b64decode(STORED["3.6"]["power"])
    assert expression_of([content.decode("raw_unicode_escape")], {}, 1) == MEANS["power"]


@pytest.mark.parametrize("version", STORED)
def test_cut_off_and_changed_code_is_refused_and_not_followed(version: str) -> None:
    content = base64.b64decode(STORED[version]["siamese"])
    for at in range(0, len(content), 7):
        with pytest.raises(MarshalError):
            read_code(content[:at])
        changed = content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]
        try:
            text = expression_of([base64.b64encode(changed).decode()], {}, 2)
        except UntranslatableError:
            continue
        assert isinstance(text, str)


def test_marshal_that_is_no_code_is_refused() -> None:
    for value in (
        b"",
        marshal.dumps([1, 2]),
        b"[\xff\xff\xff\x7f",
        b"(" * 500,
        b"r\x00\x00\x00\x00",
    ):
        with pytest.raises(MarshalError):
            read_code(value)


def test_dangerous_code_is_kept_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = compile(f"lambda x: __import__('os').mkdir({str(mark)!r})", "f", "eval").co_consts[0]
    function = [base64.b64encode(marshal.dumps(code)).decode(), None, None]
    made, note = read_lambda({"name": "l", "function": function}, "l", 1)
    assert made["module"] == "program"
    assert made["config"]["function"] == function
    assert "kept and not run" in note
    assert not mark.exists()
