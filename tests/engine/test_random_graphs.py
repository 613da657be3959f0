"""Random networks from the whole catalogue: to Keras and back, into every format and out again.

The programs that prove an export run in this process here, because a process for each file of each
network would take an hour; ``test_exports.py`` runs them as they are run for people.
"""

from __future__ import annotations

import json
import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.exportable import blockers
from kbuilder.document.formats import FORMATS
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.exports import proof
from kbuilder.engine.exports.exporting import export
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import Inference
from kbuilder.engine.objects import KERAS_ERRORS

CATALOGUE = load_catalogue()
LAYERS = [
    spec
    for spec in CATALOGUE.layers
    if not (spec.hidden or spec.class_name in ("Input", "Expression"))
]
SHAPES = ([6], [5, 4], [8, 8, 3], [4, 8, 8, 2], [3, 8, 8, 3])
MOST_VALUES = 20_000
"""Entries of a tensor for one sample; larger networks only take longer."""
MOST_LAYERS = 6
IN_PROCESS = {"hdf5", "keras", "json", "weights", "weights_hdf5", "text", "markdown", "python"}
RUNTIMES = {"saved_model", "onnx", "tflite", "tf_keras_hdf5"}

QUIET = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def networks(draw: st.DrawFn, most: int = MOST_LAYERS) -> Graph:
    """One or two Inputs and some layers that each take what they are given."""
    inference = Inference(CATALOGUE)
    count = draw(st.integers(1, 2))
    nodes = [
        Node(
            id=f"in{number}",
            class_name="Input",
            name=f"in{number}",
            params={"shape": draw(st.sampled_from(SHAPES))},
        )
        for number in range(count)
    ]
    graph = Graph(nodes=tuple(nodes))
    for number in range(draw(st.integers(2, most))):
        for spec in draw(st.lists(st.sampled_from(LAYERS), min_size=12, max_size=12)):
            grown = _with_layer(draw, graph, spec, f"n{number}")
            if grown is not None and _is_fine(inference, grown, f"n{number}"):
                graph = grown
                break
    used = {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges}
    graph = replace(graph, nodes=tuple(node for node in graph.nodes if node.id in used))
    assume(graph.outputs)
    return graph


def _with_layer(draw: st.DrawFn, graph: Graph, spec: ClassSpec, name: str) -> Graph | None:
    fewest = len(spec.ports) - spec.optional_ports
    count = draw(st.integers(2, 3)) if spec.many_inputs else fewest
    sources = [draw(st.sampled_from(graph.nodes)).id for _ in range(count)]
    if spec.many_inputs or count > 1:
        sources = [sources[0]] * count if draw(st.booleans()) else sources
    params = dict(spec.preset) | _varied(draw, spec)
    node = Node(id=name, class_name=spec.class_name, name=name, params=params)
    edges = tuple(
        Edge(source=source, target=name, target_port=port) for port, source in enumerate(sources)
    )
    return replace(graph, nodes=(*graph.nodes, node), edges=(*graph.edges, *edges))


def _varied(draw: st.DrawFn, spec: ClassSpec) -> dict[str, object]:
    """One parameter away from its default, where its values are known."""
    open_ = [
        param
        for param in spec.params
        if param.kinds in (("bool",), ("choice",)) and param.name != "dtype"
    ]
    if not open_ or draw(st.integers(0, 2)):
        return {}
    param = draw(st.sampled_from(open_))
    values = [True, False] if param.kinds == ("bool",) else list(param.choices)
    values = [value for value in values if value != param.default]
    return {param.name: draw(st.sampled_from(values))} if values else {}


def _is_fine(inference: Inference, graph: Graph, name: str) -> bool:
    facts, problems = inference.infer(graph)
    if problems or name not in facts:
        return False
    sizes = [np.prod([size or 4 for size in t.shape[1:]]) for t in facts[name].outputs]
    return bool(sizes) and max(sizes) <= MOST_VALUES


def project_of(graph: Graph) -> Project:
    """Compiled with a loss for each output that has numbers."""
    loss = OutputOptions(loss=KerasObject(class_name="MeanSquaredError"))
    options = CompileOptions(outputs={node.id: loss for node in graph.outputs})
    return Project(graph=graph, compile=options)


@pytest.mark.slow
@settings(QUIET, max_examples=60)
@given(graph=networks())
def test_a_network_comes_back_from_keras_as_it_was(graph: Graph) -> None:
    config = config_of(graph)
    again = graph_from(CATALOGUE, config, "the model")
    assert essence(again) == essence(graph)
    # Keras writes defaults out, such as padding=(1, 1) for 1: the model is what must be the same.
    assert config_of(again) == config


def config_of(graph: Graph) -> dict[str, object]:
    """The configuration of the model, in a form that can be compared."""
    model = build(Project(graph=graph), CATALOGUE).model
    config: dict[str, object] = json.loads(model.to_json())
    config["config"]["name"] = "model"  # type: ignore[index]
    return without_inner_names(config)


def without_inner_names(value):
    """Without the names that Keras counts up for layers inside of others."""
    if isinstance(value, list):
        return [without_inner_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    cleaned = {key: without_inner_names(item) for key, item in value.items()}
    for key in ("layer", "backward_layer", "cell"):
        if isinstance(cleaned.get(key), dict):
            cleaned[key].get("config", {}).pop("name", None)
    return cleaned


def essence(graph: Graph) -> tuple[object, ...]:
    """What a network is, without parameters, places and ids."""
    names = {node.id: node.name for node in graph.nodes}
    return (
        sorted((node.name, node.class_name) for node in graph.nodes),
        sorted(
            (names[e.source], e.source_port, names[e.target], e.target_port) for e in graph.edges
        ),
        [node.name for node in graph.inputs],
        [node.name for node in graph.outputs],
    )


@pytest.mark.slow
@settings(QUIET, max_examples=20)
@given(graph=networks())
def test_a_network_goes_into_every_format_of_keras(graph: Graph) -> None:
    exported(graph, IN_PROCESS)


@pytest.mark.slow
@settings(QUIET, max_examples=5)
@given(graph=networks(most=4))
def test_a_network_goes_into_every_runtime(graph: Graph) -> None:
    exported(graph, RUNTIMES)


def exported(graph: Graph, wanted: set[str]) -> None:
    """Write and prove the formats that can hold the network."""
    project = project_of(graph)
    built = build(project, CATALOGUE)
    compile_model(built, project, CATALOGUE)
    subject = Subject.of(built, project, None, rebuild=lambda: build(project, CATALOGUE))
    assume(_runs(subject))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "_run", run_here)
        for each in FORMATS:
            faults = blockers(project, CATALOGUE, each)
            if each.id in wanted and not any(fault.severity == "error" for fault in faults):
                export(subject, Path(folder, f"model{each.endings[0]}"), each, CATALOGUE)


def _runs(subject: Subject) -> bool:
    """Whether the network can compute: gcd of fractions can be drawn, and fails only then."""
    try:
        return bool(subject.outputs)
    except KERAS_ERRORS:
        return False


def run_here(command: list[str], path: str, *_: object) -> None:
    """Do what a proof script does without a process of its own."""
    script, *words = command[command.index("-B") + 1 :]
    before = list(sys.path)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KBUILDER_PROOF_PATH", path)
            runpy.run_path(script)["main"](*words)
    finally:
        sys.path[:] = before
