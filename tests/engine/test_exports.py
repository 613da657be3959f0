"""Every format holds the model: written here, loaded by its own program in a clean process, compared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.approvals import approve
from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.errors import KBuilderError, SaveError
from kbuilder.document.exportable import blockers
from kbuilder.document.formats import BY_ID, chosen_format
from kbuilder.document.graph import Graph, Node
from kbuilder.document.options import CompileOptions
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.document.tf_keras import how_to_install
from kbuilder.document.values import KerasObject
from kbuilder.engine.assembling import assembled
from kbuilder.engine.build import BuiltModel, build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.controls import StopRequestedError
from kbuilder.engine.exports import proof, tf_keras
from kbuilder.engine.exports.exporting import export
from kbuilder.engine.exports.keras_files import configuration
from kbuilder.engine.exports.proof import Answer, Proof, ProofError
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.exports.tensorflow_files import write_litert, write_onnx
from kbuilder.engine.objects import make
from tests.engine.conftest import loss, make_graph, make_node
from tests.engine.sample_layers import call, input_for, model_with
from tests.engine.sample_operations import graph_of

ROOT = Path(__file__).parents[2]


def mixed() -> Project:
    """Two inputs and outputs, a shared layer, statistics, noise, a mask and time steps that can unroll."""
    nodes = (
        make_node("Input", "left", shape=[6]),
        make_node("Input", "right", shape=[6]),
        make_node("Input", "words", shape=[5], dtype="int32"),
        make_node("Normalization", "scaled", mean=[0.5] * 6, variance=[2.0] * 6),
        make_node("Dense", "twice", units=4, activation="gelu"),
        make_node("Dense", "again"),
        make_node("Embedding", "embedding", input_dim=7, output_dim=3),
        make_node("LSTM", "reader", units=4, unroll=True),
        make_node("Concatenate", "joined"),
        make_node("BatchNormalization", "normal"),
        make_node("Dropout", "drop", rate=0.5),
        make_node("Dense", "kind", units=3, activation="softmax"),
        make_node("Dense", "size.x", units=1, trainable=False),
    )
    graph = make_graph(
        *nodes,
        wires="left>scaled scaled>twice right>again words>embedding embedding>reader "
        "twice>joined again>joined:1 reader>joined:2 joined>normal normal>drop drop>kind drop>size.x",
    )
    shared = tuple(
        replace(node, shares="#twice") if node.id == "#again" else node for node in graph.nodes
    )
    outputs = {
        "#kind": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"),
        "#size.x": loss("MeanSquaredError", "MeanAbsoluteError", weight=0.5),
    }
    optimizer = KerasObject(class_name="Adam", params={"learning_rate": 0.01})
    options = CompileOptions(optimizer=optimizer, outputs=outputs)
    return Project(graph=replace(graph, nodes=shared), compile=options)


def subject_of(project: Project, catalogue: Any) -> Subject:
    def make() -> BuiltModel:
        built = build(project, catalogue)
        if any(each.loss for each in project.compile.outputs.values()):
            compile_model(built, project, catalogue)
        return built

    return Subject.of(make(), project, None, make, "it")


def exported(subject: Subject, path: Path, format_id: str = "") -> Proof:
    return export(subject, path, chosen_format(path, format_id), load_catalogue())


@pytest.fixture(scope="module")
def trained() -> Subject:
    subject = subject_of(mixed(), load_catalogue())
    rng = np.random.default_rng(0)
    x = [rng.random((16, 6)), rng.random((16, 6)), rng.integers(0, 7, (16, 5))]
    y = [rng.integers(0, 3, 16), rng.random((16, 1))]
    subject.model.run_eagerly = True
    subject.model.fit(x, y, batch_size=8, verbose=0)
    return subject


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "format_id", "program"),
    [
        ("m.keras", "", "keras"),
        ("m.hdf5", "", "keras"),
        ("m.h5", "tf_keras_hdf5", "tf-keras"),
        ("m.weights.h5", "", "keras"),
        ("m", "", "tensorflow"),
        ("m.onnx", "", "onnxruntime"),
        ("m.tflite", "", "LiteRT"),
        ("m.py", "", "keras"),
    ],
)
def test_a_trained_model_comes_back_from(
    name: str, format_id: str, program: str, trained: Subject, tmp_path: Path
) -> None:
    found = exported(trained, tmp_path / name, format_id)
    assert found.verified_by.startswith(f"{program} ")
    assert found.difference is not None
    assert found.difference < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_description_alone_gives_the_same_configuration(trained: Subject, tmp_path: Path) -> None:
    found = exported(trained, tmp_path / "m.json")
    assert found.difference is None
    assert found.verified_by.startswith("keras")
    text = (tmp_path / "m.json").read_text()
    assert configuration(keras.models.model_from_json(text)) == configuration(trained.model)


def test_summaries_count_as_keras_does(trained: Subject, tmp_path: Path) -> None:
    for name in ("m.txt", "m.md"):
        notes = exported(trained, tmp_path / name).notes
        assert f"{trained.model.count_params():,}" in notes[0]
        assert "reader" in (tmp_path / name).read_text()


# --- what keeps a file from being left behind -----------------------------------------------------


@pytest.mark.parametrize("name", ["m.keras", "m"])
def test_a_file_that_is_not_the_model_does_not_take_its_place(
    name: str, trained: Subject, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / name
    if name == "m":
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"the old one")
    else:
        path.write_bytes(b"the old one")

    def other(*_: Any, **__: Any) -> Answer:
        return Answer("keras 0", [values + 0.01 for values in trained.outputs])

    for module in ("keras_files", "tensorflow_files"):
        monkeypatch.setattr(f"kbuilder.engine.exports.{module}.ask", other)
    with pytest.raises(KBuilderError, match=r"the outputs of keras 0 differ from ours by 1\.0e-02"):
        exported(trained, path)
    kept = path / "saved_model.pb" if name == "m" else path
    assert kept.read_bytes() == b"the old one"
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_damaged_file_is_told_by_the_program_that_cannot_load_it(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(b"no model at all")
    with pytest.raises(ProofError, match="ValueError"):
        proof.ask("plain_keras.py", ["model", tmp_path / "m.keras"])


def test_outputs_that_are_no_numbers_are_equal_only_to_such() -> None:
    values = np.array([1.0, np.nan, np.inf], "float32")
    assert proof.difference(values, values.copy()) == 0.0
    assert proof.difference(values, np.array([1.0, 2.0, np.inf], "float32")) == np.inf
    assert proof.difference(np.array([1, 2]), np.array([1, 4])) == 2.0


def test_a_folder_with_other_things_is_never_replaced(trained: Subject, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(SaveError, match="holds something else"):
        exported(trained, folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_blocked_formats_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    graph = make_graph(make_node("Input", "in", shape=[4]), make_node("ops.relu", "positive"))
    subject = subject_of(Project(graph=graph), load_catalogue())
    with pytest.raises(BuildError, match="operation") as caught:
        exported(subject, tmp_path / "m.hdf5")
    assert caught.value.problems[0].node == "#positive"
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named_with_the_command(
    trained: Subject, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(KBuilderError, match="pip install onnx tf2onnx onnxruntime"):
        exported(trained, tmp_path / "m.onnx")
    monkeypatch.setattr("kbuilder.document.tf_keras.folder", lambda: None)
    with pytest.raises(KBuilderError, match=r"--no-deps --target .*tf_keras.* tf_keras==2"):
        exported(trained, tmp_path / "m.h5", "tf_keras_hdf5")


def test_who_does_not_wait_leaves_nothing_behind(trained: Subject, tmp_path: Path) -> None:
    def check() -> None:
        raise StopRequestedError(keep=False)

    with pytest.raises(StopRequestedError):
        exported(replaced(trained, check=check), tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_random_outputs_are_not_compared(tmp_path: Path) -> None:
    noisy = replace(make_node("Dropout", "drop", rate=0.5), call={"training": True})
    graph = make_graph(make_node("Input", "in", shape=[9]), noisy)
    found = exported(subject_of(Project(graph=graph), load_catalogue()), tmp_path / "m.keras")
    assert found.difference is None
    assert "random" in found.notes[0]


OWN = """import keras

class Doubled(keras.layers.Dense):
    def call(self, x):
        return 2 * super().call(x)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.keras", "m.py"])
def test_own_code_goes_along(name: str, tmp_path: Path) -> None:
    approve(OWN)
    catalogue = load_catalogue()
    teach(catalogue, OWN)
    graph = make_graph(make_node("Input", "in", shape=[4]), make_node("Doubled", "twice", units=2))
    subject = subject_of(Project(graph=graph, custom_code=OWN), catalogue)
    path = tmp_path / name
    found = export(subject, path, chosen_format(path), catalogue)
    assert found.difference is not None
    assert found.difference < 1e-6


# --- tf.keras ------------------------------------------------------------------------------------

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {"amsgrad": True, "global_clipnorm": 0.5}),
    ("Adam", {"use_ema": True, "weight_decay": 0.01}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("Adagrad", {}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Ftrl", {}),
]
TRAINING = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, tf_keras
for path in sys.argv[2:]:
    data = np.load(path + ".npz")
    model = tf_keras.models.load_model(path)
    model.run_eagerly = True
    model.fit(data["x"], data["y"], batch_size=8, epochs=2, shuffle=False, verbose=0)
    apart = [np.abs(data[str(n)] - w).max() for n, w in enumerate(model.get_weights())]
    print(max(apart))
"""


@pytest.mark.slow
def test_training_goes_on_in_tf_keras(tmp_path: Path, monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((16, 3)).astype("float32"), rng.random((16, 1)).astype("float32")
    answers = Answer("not asked", [])
    monkeypatch.setattr(tf_keras, "ask", lambda *_, **__: answers)
    monkeypatch.setattr(tf_keras, "compared", lambda *_: Proof())
    monkeypatch.setattr(tf_keras, "_refuse_other_state", lambda *_: None)
    paths = []
    for number, (name, params) in enumerate(OPTIMIZERS):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((3,), name="in")
        hidden = keras.layers.Dense(4, activation="tanh", name="a")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1, name="b")(hidden))
        model.compile(getattr(keras.optimizers, name)(**params), loss="mse")
        model.run_eagerly = True
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        subject = Subject.of(
            BuiltModel(mixed().graph, model, {}, {}), Project(), None, lambda: None
        )
        paths.append(tmp_path / f"{number}.h5")
        tf_keras.write(subject, paths[-1], load_catalogue())
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights = {str(n): values for n, values in enumerate(model.get_weights())}
        np.savez(f"{paths[-1]}.npz", x=x, y=y, **weights)
    folder = tf_keras.folder()
    assert folder is not None, how_to_install()
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(folder), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert max(map(float, done.stdout.split())) < 1e-6
    assert len(done.stdout.split()) == len(OPTIMIZERS)


@pytest.mark.slow
def test_the_table_is_that_of_tf_keras() -> None:
    script = ROOT / "packaging" / "make_tf_keras_table.py"
    made = subprocess.run(
        [sys.executable, str(script), str(tf_keras.folder())],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout == (ROOT / "resources" / "tf_keras.json").read_text("utf-8")


@pytest.mark.slow
def test_nested_models_and_attention_go_to_tf_keras(tmp_path: Path) -> None:
    inputs = keras.Input((4, 6), name="steps")
    block_in = keras.Input((4, 6), name="block_in")
    seen = keras.layers.MultiHeadAttention(2, 3, name="seen")(block_in, block_in)
    block = keras.Model(
        block_in, keras.layers.LayerNormalization(name="normal")(seen), name="block"
    )
    twice = block(block(inputs))
    masked = keras.layers.Masking(name="masked")(twice)
    read = keras.layers.Bidirectional(keras.layers.GRU(3), name="read")(masked)
    model = keras.Model(inputs, keras.layers.Dense(2, name="end")(read))
    found = tf_keras.write(bare_subject(model), tmp_path / "m.h5", load_catalogue())
    assert found.difference is not None
    assert found.difference < 1e-6
    with h5py.File(tmp_path / "m.h5") as file:
        assert "module" not in json.loads(file.attrs["model_config"])["config"]["layers"][0]


# --- every layer ---------------------------------------------------------------------------------

LAYERS = [
    spec
    for spec in load_catalogue().layers
    if not spec.hidden and not spec.is_operation and spec.class_name != "Input"
]
AUGMENTATION = ("RandomFlip", "RandomRotation", "MixUp")
"""Enough of the layers that vanish when a network predicts."""


WRITERS = {"onnx": write_onnx, "tflite": write_litert}


def is_blocked(spec: ClassSpec, format_id: str) -> bool:
    node = make_node(spec.class_name, "it", **spec.preset)
    project = Project(graph=make_graph(make_node("Input", "in", shape=[4]), node))
    found = blockers(project, load_catalogue(), BY_ID[format_id])
    return any(each.severity == "error" for each in found)


def bare_subject(model: keras.Model) -> Subject:
    return Subject.of(BuiltModel(mixed().graph, model, {}, {}), Project(), None, lambda: None)


@pytest.mark.full
@pytest.mark.parametrize("format_id", WRITERS)
def test_every_layer_that_is_not_blocked_is_converted(
    format_id: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """Those that take the same input side by side in one model: converting takes long."""
    monkeypatch.setattr("kbuilder.engine.exports.tensorflow_files.ask", answer_here)
    together: dict[Any, list[ClassSpec]] = {}
    for spec in LAYERS:
        vanishes = spec.family == "Image augmentation" and spec.class_name not in AUGMENTATION
        if not vanishes and not is_blocked(spec, format_id):
            tensor = input_for(spec)
            together.setdefault((tensor.shape, tensor.dtype), []).append(spec)
    for specs in together.values():
        tensor = input_for(specs[0])
        made = [
            make(
                load_catalogue(),
                "layers",
                spec.class_name,
                {**spec.preset, "name": spec.class_name},
            )
            for spec in specs
        ]
        outputs = [call(layer, spec, tensor) for layer, spec in zip(made, specs, strict=True)]
        model = keras.Model(tensor, keras.tree.flatten(outputs))
        found = WRITERS[format_id](bare_subject(model), tmp_path / "m", load_catalogue())
        assert found.difference is not None
        assert found.difference < 1e-3, [spec.class_name for spec in specs]


@pytest.mark.full
@pytest.mark.parametrize("format_id", WRITERS)
def test_every_layer_that_is_blocked_could_not_be_converted(
    format_id: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("kbuilder.engine.exports.tensorflow_files.ask", answer_here)
    blocked = [spec for spec in LAYERS if is_blocked(spec, format_id)]
    assert blocked
    for spec in blocked:
        with pytest.raises(Exception, match=r"[a-zA-Z]"):
            WRITERS[format_id](bare_subject(model_with(spec)), tmp_path / "m", load_catalogue())


NOT_TRIED = {
    *("ops.broadcast_to", "ops.scatter"),  # their samples are for batches of another size
    *("ops.fold", "ops.image.elastic_transform"),  # convert in seconds; the latter is random
}
SIDE_BY_SIDE = 25


@pytest.mark.full
@pytest.mark.parametrize("format_id", WRITERS)
def test_every_operation_that_is_not_blocked_is_converted(
    format_id: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """Some in one network; those that take the same share an Input."""
    monkeypatch.setattr("kbuilder.engine.exports.tensorflow_files.ask", answer_here)
    tried = [
        spec
        for spec in load_catalogue().layers
        if spec.class_name.startswith("ops.")
        and spec.class_name not in NOT_TRIED
        and not is_blocked(spec, format_id)
    ]
    assert len(tried) > 150
    for start in range(0, len(tried), SIDE_BY_SIDE):
        graph = side_by_side(tried[start : start + SIDE_BY_SIDE])
        tensors, _ = assembled(graph, load_catalogue())
        inputs = [tensors[node.id][0] for node in graph.inputs]
        outputs = [tensor for node in graph.outputs for tensor in tensors[node.id]]
        subject = bare_subject(keras.Model(inputs, outputs))
        found = WRITERS[format_id](subject, tmp_path / "m", load_catalogue())
        assert found.difference is not None
        assert found.difference < 1e-3


def side_by_side(specs: list[ClassSpec]) -> Graph:
    nodes: dict[str, Node] = {}
    edges = []
    for spec in specs:
        graph = graph_of(spec)
        named = {
            node.id: re.sub(r"\W+", "_", f"n{spec.class_name if node.id == 'it' else node.params}")
            for node in graph.nodes
        }
        for node in graph.nodes:
            nodes[named[node.id]] = replace(node, id=named[node.id], name=named[node.id])
        edges += [
            replace(edge, source=named[edge.source], target=named[edge.target])
            for edge in graph.edges
        ]
    return Graph(nodes=tuple(nodes.values()), edges=tuple(edges))


def answer_here(
    script: str, words: list[Any], arrays: list[Any], files: dict[str, str], check: Any
) -> Answer:
    """What the runtime finds, in this process: starting one for each layer would take minutes."""
    names = json.loads(files["names.json"])
    fed = dict(zip(names["inputs"], arrays, strict=True))
    if script == "plain_onnx.py":
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        session = onnxruntime.InferenceSession(words[0], providers=["CPUExecutionProvider"])
        taken = {each.name for each in session.get_inputs()}
        outputs = session.run(names["outputs"], {k: v for k, v in fed.items() if k in taken})
        return Answer("onnxruntime", outputs)
    from ai_edge_litert.interpreter import Interpreter

    outputs = Interpreter(model_path=str(words[0])).get_signature_runner()(**fed)
    return Answer("LiteRT", [outputs[name] for name in names["outputs"]])
