"""Which file name means which format, and what keeps a network out of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kbuilder.document.approvals import approve
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.exportable import blockers
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.formats import BY_ID, FORMATS, chosen_format
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.document.summary import as_markdown, as_text
from kbuilder.document.values import KerasObject

CATALOGUE = load_catalogue()


def chain(*nodes: tuple[str, dict[str, object]]) -> Project:
    made = tuple(
        Node(id=str(n), class_name=class_name, name=f"{class_name.lower()}_{n}", params=params)
        for n, (class_name, params) in enumerate((("Input", {"shape": [4, 3]}), *nodes))
    )
    edges = tuple(Edge(source=str(n), target=str(n + 1)) for n in range(len(made) - 1))
    return Project(graph=Graph(nodes=made, edges=edges))


def told(project: Project, format_id: str, severity: str = "error") -> list[str]:
    found = blockers(project, CATALOGUE, BY_ID[format_id])
    assert {each.kind for each in found} <= {"format", "own-code-held"}
    return [each.text for each in found if each.severity == severity]


@pytest.mark.parametrize(
    ("name", "weights_only", "expected"),
    [
        ("m.hdf5", False, "hdf5"),
        ("m.h5", False, "hdf5"),
        ("m.h5", True, "weights_hdf5"),
        ("m.keras", False, "keras"),
        ("m.weights.h5", False, "weights"),
        ("m.weights.h5", True, "weights"),
        ("x_weights.hdf5", False, "weights_hdf5"),
        ("model", False, "saved_model"),
        ("m.savedmodel", False, "saved_model"),
        ("m.v2.onnx", False, "onnx"),
        ("m.tflite", False, "tflite"),
        ("m.py", False, "python"),
        ("m.md", False, "markdown"),
    ],
)
def test_the_ending_says_which(name: str, weights_only: bool, expected: str) -> None:
    assert chosen_format(Path(name), "", weights_only).id == expected


def test_a_format_asked_for_wins_where_the_ending_fits() -> None:
    assert chosen_format(Path("m.h5"), "tf_keras_hdf5").id == "tf_keras_hdf5"
    assert chosen_format(Path("m.h5"), "weights_hdf5").id == "weights_hdf5"
    assert chosen_format(Path("m"), "saved_model").id == "saved_model"


@pytest.mark.parametrize(
    ("name", "format_id", "weights_only", "reason"),
    [
        ("m.foo", "", False, "ends in “.foo”; expected .hdf5, .h5, .keras"),
        ("m.HDF5", "", False, "small letters"),
        ("m.onnx", "keras", False, "expected .keras"),
        ("m.onnx", "", True, "weights alone"),
        ("m.onnx", "tensorrt", False, "no format “tensorrt”"),
    ],
)
def test_other_names_are_refused(
    name: str, format_id: str, weights_only: bool, reason: str
) -> None:
    with pytest.raises(KBuilderError, match=reason):
        chosen_format(Path(name), format_id, weights_only)


def test_every_ending_leads_back_to_its_format() -> None:
    for each in FORMATS:
        for end in each.endings:
            found = chosen_format(Path(f"m{end}"), each.id if each.by_name else "")
            assert found == each


def test_operations_keep_out_of_hdf5_and_of_tf_keras() -> None:
    project = chain(("ops.relu", {}), ("Expression", {"expression": "x * 2"}))
    assert [text.split("”")[0] for text in told(project, "hdf5")] == [
        "“ops.relu_1",
        "“expression_2",
    ]
    assert len(told(project, "tf_keras_hdf5")) == 2
    assert told(project, "keras") == told(project, "onnx") == told(project, "saved_model") == []


def test_recurrent_layers_have_to_be_unrolled_for_litert() -> None:
    bent = {"class_name": "LSTM", "params": {"units": 2}}
    project = chain(
        ("LSTM", {"units": 3, "return_sequences": True}), ("Bidirectional", {"layer": bent})
    )
    assert all("Set unroll" in text for text in told(project, "tflite"))
    assert len(told(project, "tflite")) == 2
    assert told(chain(("LSTM", {"units": 3, "unroll": True})), "tflite") == []
    assert told(project, "onnx") == []


def test_text_layers_and_augmentation() -> None:
    words = chain(("TextVectorization", {}))
    assert "TextVectorization" in told(words, "onnx")[0]
    assert "TextVectorization" in told(words, "tflite")[0]
    flipped = chain(("RandomFlip", {}))
    assert told(flipped, "onnx") == []
    assert "leaves them out" in told(flipped, "onnx", "info")[0]


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (("RMSNormalization", {}), "no RMSNormalization among its layers"),
        (("Dense", {"units": 2, "lora_rank": 2}), "no parameter lora_rank"),
        (("Dense", {"units": 2, "activation": "hard_sigmoid"}), "hard_sigmoid is not the same"),
        (("Dense", {"units": 2, "kernel_initializer": {"class_name": "STFT"}}), "no STFT"),
    ],
)
def test_what_tf_keras_does_not_have(node: tuple[str, dict[str, object]], reason: str) -> None:
    assert reason in told(chain(node), "tf_keras_hdf5")[0]
    assert told(chain(node), "keras") == []


def test_what_tf_keras_has_under_other_names_or_can_do_without() -> None:
    project = chain(("LeakyReLU", {"negative_slope": 0.2}), ("Dropout", {"rate": 0.5, "seed": 3}))
    assert told(project, "tf_keras_hdf5") == []


def test_compile_options_that_tf_keras_does_not_have() -> None:
    project = chain(("Dense", {"units": 1}))
    output = OutputOptions(
        loss=KerasObject(class_name="Tversky"), metrics=(KerasObject(class_name="AUC"),)
    )
    options = CompileOptions(optimizer=KerasObject(class_name="Lion"), outputs={"1": output})
    texts = told(replace(project, compile=options), "tf_keras_hdf5")
    assert len(texts) == 2
    assert "Lion" in texts[0]
    assert "Tversky" in texts[1]


def test_own_code_has_to_be_trusted_and_then_told_of() -> None:
    code = "import keras\nclass Mine(keras.layers.Layer):\n    pass\n"
    project = replace(chain(("Mine", {})), custom_code=code)
    teach(CATALOGUE, code)
    try:
        assert "before you trust it" in told(project, "keras")[0]
        assert told(project, "svg") == []
        approve(code)
        assert told(project, "keras") == []
        assert "custom_objects" in told(project, "keras", "info")[0]
        assert "own code" in told(project, "tf_keras_hdf5")[0]
        assert told(project, "python", "info") == []
    finally:
        teach(CATALOGUE, "")


def test_a_summary_counts_and_escapes() -> None:
    project = chain(("Dense", {"units": 2}))
    output = OutputOptions(loss=KerasObject(class_name="Huber", params={"delta": 0.5}))
    project = replace(project, compile=CompileOptions(outputs={"1": output}))
    facts = {
        "0": NodeFacts(outputs=(TensorFacts((None, 4, 3), "float32"),)),
        "1": NodeFacts(
            outputs=(TensorFacts((None, 4, None), "float32"),),
            trainable_params=1234,
            weight_bytes=4936,
            mult_adds=24,
        ),
    }
    text = as_text(project, facts, "a*b")
    assert "dense_1  Dense  4 x ?        1,234  input_0" in text
    assert "Parameters: 1,234 (4.9 kB), 1,234 of them trainable" in text
    assert "Output: dense_1, 4 x ?, float32; loss Huber(delta=0.5)" in text
    markdown = as_markdown(project, facts, "a*b")
    assert markdown.startswith("# a\\*b\n")
    assert "| dense\\_1 | Dense | 4 x ? | 1,234 | input\\_0 |" in markdown
