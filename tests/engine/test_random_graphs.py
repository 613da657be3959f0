"""Random networks from the whole catalogue: to Keras and back, into every format and out again.

The programs that prove an export run in this process here, because a process for each file of each
network would take an hour; ``test_exports.py`` runs them as they are run for people.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from kbuilder.document.exportable import blockers
from kbuilder.document.formats import FORMATS
from kbuilder.document.graph import Graph
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import BuiltModel, build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.exports import proof
from kbuilder.engine.exports.exporting import export
from kbuilder.engine.exports.keras_files import first_difference
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.objects import KERAS_ERRORS
from tests.engine.random_networks import CATALOGUE, networks

COUNTED = re.compile(r"(keras_tensor|input_layer|functional)(_\d+)?")
IN_PROCESS = {"hdf5", "keras", "json", "weights", "weights_hdf5", "text", "markdown", "python"}
RUNTIMES = {"saved_model", "onnx", "tflite", "tf_keras_hdf5"}

QUIET = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def project_of(graph: Graph) -> Project:
    """Compiled with a loss for each output that has numbers."""
    loss = OutputOptions(loss=KerasObject(class_name="MeanSquaredError"))
    options = CompileOptions(outputs={node.id: loss for node in graph.outputs})
    return Project(graph=graph, compile=options)


@pytest.mark.slow
@settings(QUIET, max_examples=40)
@given(graph=networks())
def test_a_network_comes_back_from_keras_as_it_was(graph: Graph) -> None:
    model = built_of(Project(graph=graph)).model
    again = graph_from(CATALOGUE, json.loads(model.to_json()), "the model")
    assert essence(again) == essence(graph)
    # Keras writes defaults out, such as padding=(1, 1) for 1: the model is what must be the same.
    theirs = build(Project(graph=again), CATALOGUE).model
    if not any(node.shares for node in graph.nodes):  # the calls of a shared layer have no order
        assert first_difference(settled(model.get_config()), settled(theirs.get_config())) == ""


def built_of(project: Project) -> BuiltModel:
    """The model. A shared layer may meet its calls in another order than it was drawn in, and refuse."""
    try:
        return build(project, CATALOGUE)
    except BuildError:
        assume(not any(node.shares for node in project.graph.nodes))
        raise


def settled(config: Any) -> Any:
    """Without the names that Keras counts up, and with the layers in the order of their names."""
    if isinstance(config, list | tuple):
        items = [settled(item) for item in config]
        if items and all(isinstance(item, dict) and "inbound_nodes" in item for item in items):
            return sorted(items, key=lambda item: str(item["name"]))
        return items
    if isinstance(config, dict):
        cleaned = {key: settled(item) for key, item in config.items() if key != "build_config"}
        inner = isinstance(cleaned.get("config"), dict) and "inbound_nodes" not in cleaned
        if inner or "layers" in cleaned:
            cleaned.get("config", cleaned).pop("name", None)
        return cleaned
    return "" if COUNTED.fullmatch(str(config)) else config


def essence(graph: Graph) -> tuple[object, ...]:
    """What a network is, without parameters, places and ids. Keras has no names for calls of a layer."""
    names = {node.id: graph.layer_of(node.id).name for node in graph.nodes}
    blocks = {block.id: block.name for block in graph.groups}
    return (
        sorted(
            (names[node.id], node.class_name, blocks.get(node.group, "")) for node in graph.nodes
        ),
        sorted(
            (names[e.source], e.source_port, names[e.target], e.target_port) for e in graph.edges
        ),
        [names[node.id] for node in graph.inputs],
        [names[node.id] for node in graph.outputs],
    )


@pytest.mark.slow
@settings(QUIET, max_examples=12)
@given(graph=networks())
def test_a_network_goes_into_every_format_of_keras(graph: Graph) -> None:
    exported(graph, IN_PROCESS)


@pytest.mark.slow
@settings(QUIET, max_examples=4)
@given(graph=networks(most=4))
def test_a_network_goes_into_every_runtime(graph: Graph) -> None:
    exported(graph, RUNTIMES)


def exported(graph: Graph, wanted: set[str]) -> None:
    """Write and prove the formats that can hold the network."""
    project = project_of(graph)
    built = built_of(project)
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
