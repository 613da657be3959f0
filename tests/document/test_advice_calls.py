"""Advice on calls: a fixed training mode, and masks that do not reach where they are needed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kbuilder.document.advice.advising import advise
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import Params
from kbuilder.engine.infer import Inference
from tests.document.mended import assert_fixes_mend, the_problem

CATALOGUE = load_catalogue()


def advice(project: Project) -> tuple[Problem, ...]:
    facts, problems = Inference(CATALOGUE).infer(project.graph)
    assert not problems
    return advise(project, CATALOGUE, facts)


def chain(*layers: tuple[str, Params], call: Params | None = None) -> Project:
    start = Node(id="in", name="in", class_name="Input", params={"shape": [6], "dtype": "int32"})
    nodes = [start]
    for number, (class_name, params) in enumerate(layers):
        name = f"n{number}"
        nodes.append(Node(id=name, name=name, class_name=class_name, params=params))
    nodes[-1] = Node(
        id=nodes[-1].id,
        name=nodes[-1].name,
        class_name=nodes[-1].class_name,
        params=nodes[-1].params,
        call=call or {},
    )
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    return Project(graph=Graph(nodes=tuple(nodes), edges=edges))


EMBEDDING: tuple[str, Params] = (
    "Embedding",
    {"input_dim": 9, "output_dim": 4, "mask_zero": True},
)
LSTM: tuple[str, Params] = ("LSTM", {"units": 3})


@pytest.mark.parametrize(
    ("layer", "training", "severity", "words"),
    [
        (("BatchNormalization", {}), True, "warning", "whatever is in the batch"),
        (("BatchNormalization", {}), False, "info", "training=False"),
        (("Dropout", {"rate": 0.5}), False, "warning", "never does anything"),
        (("Dropout", {"rate": 0.5}), True, "info", "Keras 3.15 overrules it"),
    ],
)
def test_a_fixed_training_is_told_and_let_go(
    layer: tuple[str, Params], training: bool, severity: str, words: str
) -> None:
    project = chain(EMBEDDING, layer, call={"training": training})
    problem = the_problem(advice(project), "training-fixed")
    assert problem.severity == severity
    assert words in problem.text
    assert_fixes_mend(project, problem, advice, CATALOGUE)


@pytest.mark.parametrize(
    "between",
    [
        ("Conv1D", {"filters": 4, "kernel_size": 2}),
        ("MaxPooling1D", {}),
    ],
)
def test_a_layer_that_drops_the_mask_before_a_recurrent_one_is_named(
    between: tuple[str, Params],
) -> None:
    problem = the_problem(
        advice(chain(EMBEDDING, between, ("Dropout", {"rate": 0.1}), LSTM)), "mask-lost"
    )
    assert (problem.severity, problem.node) == ("warning", "n3")
    assert "“n1” does not pass the mask on" in problem.text


@pytest.mark.parametrize(
    "layers",
    [
        (EMBEDDING, ("Dropout", {"rate": 0.1}), LSTM),
        (EMBEDDING, LSTM, ("RepeatVector", {"n": 3}), ("GRU", {"units": 2})),
        (("Embedding", {"input_dim": 9, "output_dim": 4}), LSTM),
    ],
)
def test_masks_that_arrive_or_are_used_up_are_fine(layers: tuple[tuple[str, Params], ...]) -> None:
    assert "mask-lost" not in {problem.kind for problem in advice(chain(*layers))}


def test_initial_states_keep_the_mask_away() -> None:
    project = chain(EMBEDDING, LSTM)
    state = Node(id="s", name="s", class_name="Input", params={"shape": [3]})
    graph = Graph(
        nodes=(*project.graph.nodes, state),
        edges=(
            *project.graph.edges,
            Edge(source="s", target="n1", target_port=2),
            Edge(source="s", target="n1", target_port=3),
        ),
    )
    problem = the_problem(advice(Project(graph=graph)), "mask-lost")
    assert "with initial states wired" in problem.text
