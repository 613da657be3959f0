"""The Python script of a project: its model is ours, it is formatted, and it trains as we do."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.approvals import approve
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.fragment import attach, place
from kbuilder.document.graph import Edge, Group
from kbuilder.document.options import CompileOptions, FitOptions, OutputOptions
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.script.whole import script
from kbuilder.document.templates import load_templates
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.exports.script_file import place_of, plain_configuration
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.link.events import EpochEnded, Failed
from kbuilder.link.requests import Export, Steer, Train
from kbuilder.link.steered import steered_in
from kbuilder.resources import resource
from tests.engine.conftest import make_graph, make_node

SAMPLES = sorted(path.stem for path in resource("samples").iterdir())
TEMPLATES = {template.name: template for template in load_templates()}


def sample(name: str) -> Project:
    return load(resource("samples", f"{name}.kbuilder"))


def template(name: str) -> Project:
    found = TEMPLATES[name]
    if found.kind == "model":
        return place(Project(), found.fragment(), (0.0, 0.0)).project
    source = make_node("Input", "source", shape=list(found.shape))
    project = edits.add_node(Project(), source)
    return attach(project, found.fragment(), (source.id, 0), (0.0, 100.0)).project


def text_of(project: Project, catalogue: Any, base: str = "") -> str:
    return script(place_of(project, base), catalogue, "it")


def module_of(text: str) -> types.ModuleType:
    module = types.ModuleType("script")
    exec(compile(text, "script", "exec"), module.__dict__)
    return module


def refuse_unformatted(folder: Path, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        (folder / f"{number}.py").write_text(text)
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def refuse_other_model(project: Project, catalogue: Any, text: str) -> None:
    theirs = module_of(text).build_model()
    ours = build(project, catalogue).model
    assert plain_configuration(theirs) | {"name": ""} == plain_configuration(ours) | {"name": ""}
    assert [layer.trainable for layer in theirs.layers] == [la.trainable for la in ours.layers]
    for one, other in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_build_the_same_model(name: str, catalogue: Any) -> None:
    project = template(name)
    refuse_other_model(project, catalogue, text_of(project, catalogue))


def test_all_of_them_are_formatted(tmp_path: Path) -> None:
    projects = [*map(sample, SAMPLES), *map(template, TEMPLATES), all_sorts(), many_options()]
    projects += [operations(), own()]  # old layers come with source that is 100 letters wide
    learned = load_catalogue()
    teach(learned, OWN_CODE)
    refuse_unformatted(tmp_path, [text_of(project, learned) for project in projects])


class Heard:
    """A session that keeps what it says."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.session = Session(self.events.append)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_train_as_we_do(name: str, tmp_path: Path, catalogue: Any) -> None:
    project = sample(name)
    project = replace(project, fit=replace(project.fit, epochs=1))
    heard = Heard()
    heard.session.handle(Train(request=1, project=project, run=str(tmp_path / "run")))
    ended = next(event for event in heard.events if isinstance(event, EpochEnded))
    module = module_of(text_of(project, catalogue))
    model = module.build_model()
    module.compile_model(model)
    history = module.train(model).history
    assert history.keys() == ended.logs.keys()
    for name, values in history.items():
        assert values[0] == pytest.approx(ended.logs[name], rel=1e-4), name


def test_a_steered_run_has_a_script_that_ends_with_the_same_weights(
    classifier: Project, tmp_path: Path
) -> None:
    """The learning rate is another one after 8 steps, and the run is an epoch longer."""
    fit = replace(classifier.fit, shuffle=False)
    graph = classifier.graph
    still = [replace(n, params={"rate": 0.0}) if n.id == "#drop" else n for n in graph.nodes]
    project = replace(classifier, fit=fit, graph=replace(graph, nodes=tuple(still)))
    steer = Steer(learning_rate=0.05, batch_size=16, epochs=3)

    failed = []

    def hear(event: Any) -> None:
        if isinstance(event, Failed):
            failed.append(event.text)
        if isinstance(event, EpochEnded) and event.epoch == 0:
            session.controls.put(steer)

    session = Session(hear)
    run, path = tmp_path / "run", tmp_path / "train.py"
    session.handle(Train(request=1, project=project, run=str(run)))
    (steered,) = steered_in(str(run))
    assert (steered.step, steered.epoch) == (8, 1)
    session.handle(Export(request=2, project=project, path=str(path), run=str(run)))
    assert not failed
    text = path.read_text()
    assert 'STEERING = [(8, {"learning_rate": 0.05})]' in text
    assert "# Not done here: batches of 16 samples from the epoch that began next" in text
    module = module_of(text)
    model = module.build_model()
    module.compile_model(model)
    history = module.train(model).history
    assert len(history["loss"]) == 3
    weights = Run.open(run).state.weights
    for layer in model.layers:
        for number, values in enumerate(layer.get_weights()):
            wanted = weights[f"{layer.name}/{number}"]
            np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
    refuse_unformatted(tmp_path, [text])


SHARED = {"#embedding_again": "#embedding"}


def all_sorts() -> Project:
    """Shared layers, blocks in blocks, several ends, masks, states, names that are no variables."""
    graph = make_graph(
        make_node("Input", "left.words", shape=[6], dtype="int32"),
        make_node("Input", "right-words", shape=[6], dtype="int32"),
        make_node("Embedding", "embedding", input_dim=20, output_dim=8, mask_zero=True),
        make_node("Embedding", "embedding_again"),  # shares the layer, below
        make_node("LSTM", "class", units=4, return_sequences=True, return_state=True),
        make_node("LSTM", "reader", units=4),
        make_node("MultiHeadAttention", "attention", num_heads=2, key_dim=3),
        make_node("GlobalAveragePooling1D", "pooled"),
        make_node("Concatenate", "together"),
        make_node("BatchNormalization", "normal", trainable=False),
        make_node("Dense", "inner", units=4, kernel_regularizer={"class_name": "L2"}),
        make_node("Dense", "inner_2", units=4, activation="relu"),
        make_node("Dense", "end", units=2, trainable=False),
        make_node("Dense", "other.end", units=1),
        wires="left.words>embedding right-words>embedding_again embedding>class "
        "embedding_again>reader class>attention:0 embedding_again>attention:1 attention>pooled "
        "pooled>together:0 reader>together:1 together>normal normal>inner inner>inner_2 "
        "inner_2>end inner>other.end",
    )
    inside = {"#normal": "outer", "#inner": "core", "#inner_2": "core"}
    nodes = tuple(
        replace(node, group=inside.get(node.id, ""), shares=SHARED.get(node.id, ""))
        for node in graph.nodes
    )
    blocks = (
        Group(id="outer", name="outer.block", nested=True),
        Group(id="core", name="core", parent="outer", nested=True),
    )
    return Project(graph=replace(graph, nodes=nodes, groups=blocks))


def many_options() -> Project:
    graph = make_graph(
        make_node("Input", "picture", shape=[8, 8, 1]),
        make_node("RandomFlip", "flipped", mode="horizontal"),
        make_node("Conv2D", "conv", filters=4, kernel_size=[3, 3], padding="same"),
        make_node("Flatten", "flat"),
        make_node("Dense", "end", units=3, activation="softmax"),
    )
    schedule = {
        "class_name": "PiecewiseConstantDecay",
        "params": {"boundaries": [100, 200], "values": [0.1, 0.01, 0.001]},
    }
    end = OutputOptions(
        loss=KerasObject(class_name="CategoricalCrossentropy", params={"label_smoothing": 0.1}),
        metrics=(KerasObject(class_name="AUC"), KerasObject(class_name="F1Score")),
        weighted_metrics=(KerasObject(class_name="CategoricalAccuracy"),),
    )
    sgd = {"learning_rate": schedule, "momentum": 0.9, "nesterov": True, "global_clipnorm": 1.0}
    options = CompileOptions(
        optimizer=KerasObject(class_name="SGD", params=sgd),
        outputs={"#end": end},
        jit_compile="never",
        steps_per_execution=4,
    )
    return Project(graph=graph, compile=options, fit=FitOptions(seed=3))


def operations() -> Project:
    """Functions of keras.ops, expressions over one and two inputs, second results, states by wire."""
    attend = {"num_heads": 2, "key_dim": 3}
    nodes = (
        make_node("Input", "a", shape=[4, 6]),
        make_node("Input", "b", shape=[4, 6]),
        make_node("ops.add", "sum"),
        make_node("ops.multiply", "scaled", x2=2.0),
        make_node("ops.concatenate", "joined", axis=-1),
        make_node("Expression", "one", expression="ops.relu(x) ** 2 + x[:, 1:2]"),
        make_node("Expression", "both", expression="x[0] * 0.5 - ops.abs(x[1])"),
        make_node("ops.top_k", "best", k=2),
        make_node("ops.unstack", "slices", axis=-1),
        make_node("Expression", "alone", expression="(x * 2,)"),
        replace(make_node("MultiHeadAttention", "seen", **attend), call={"use_causal_mask": True}),
        make_node("LSTM", "first", units=3, return_state=True),
        make_node("LSTM", "second", units=3),
        make_node("Dense", "end", units=2),
    )
    graph = make_graph(
        *nodes,
        wires="a>sum b>sum:1 sum>scaled scaled>joined a>joined:1 joined>one one>best a>both b>both:1 "
        "both>seen both>seen:1 both>first seen>second second>end "
        "a>slices slices>alone",
    )
    states = tuple(
        Edge(source="#first", source_port=port, target="#second", target_port=port + 1)
        for port in (1, 2)
    )
    return Project(graph=replace(graph, edges=(*graph.edges, *states)))


OWN_CODE = """from __future__ import annotations

import keras
from keras import ops


class Scale(keras.layers.Layer):
    def __init__(self, factor: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, x):
        return x * self.factor * self.gain

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def bent(y_true, y_pred, power: float = 2.0):
    return ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1)
"""


def own() -> Project:
    graph = make_graph(
        make_node("Input", "in", shape=[3]),
        make_node("Scale", "scale", factor=3.0),
        make_node("Dense", "end", units=1),
    )
    end = OutputOptions(
        loss=KerasObject(class_name="bent", params={"power": 1.5}),
        metrics=(KerasObject(class_name="bent"),),
    )
    return Project(graph=graph, compile=CompileOptions(outputs={"#end": end}), custom_code=OWN_CODE)


def old_layers() -> Project:
    """What Keras 2 had and Keras 3 has not, and a layer that Keras has for its own networks."""
    graph = make_graph(
        make_node("Input", "in", shape=[6, 2]),
        make_node("LocallyConnected1D", "local", filters=3, kernel_size=2),
        make_node("LSTM", "read", units=3, recurrent_activation="legacy_hard_sigmoid"),
        make_node("LayerScale", "scaled", init_values=0.5, projection_dim=3),
    )
    return Project(graph=graph)


@pytest.mark.parametrize("make", [all_sorts, many_options, operations, old_layers])
def test_everything_a_graph_can_hold_is_in_the_script(make: Any, catalogue: Any) -> None:
    project = make()
    text = text_of(project, catalogue)
    refuse_other_model(project, catalogue, text)
    module = module_of(text)
    if hasattr(module, "compile_model"):
        model = module.build_model()
        module.compile_model(model)
        built = build(project, catalogue)
        compile_model(built, project, catalogue)
        options = [m.get_compile_config() for m in (model, built.model)]
        for each in options:
            each["optimizer"]["config"]["name"] = ""
            del each["steps_per_execution"]  # ours runs several steps in a loop of its own
        assert options[0] == options[1]


def test_own_code_is_in_it(monkeypatch: Any) -> None:
    approve(OWN_CODE)
    project, catalogue = own(), load_catalogue()
    teach(catalogue, OWN_CODE)
    text = text_of(project, catalogue)
    module = module_of(text)
    monkeypatch.setitem(sys.modules, "script", module)
    model = module.build_model()
    module.compile_model(model)
    x = np.ones((4, 3), "float32")
    ours = build(project, catalogue)
    compile_model(ours, project, catalogue)
    np.testing.assert_array_equal(model.predict(x, verbose=0), ours.model.predict(x, verbose=0))
    judged = [m.evaluate(x, x[:, :1], verbose=0, return_dict=True) for m in (model, ours.model)]
    assert judged[0] == pytest.approx(judged[1])
    assert judged[0].keys() == {"loss", "bent"}
    assert text.index("from __future__") < text.index("import keras")
