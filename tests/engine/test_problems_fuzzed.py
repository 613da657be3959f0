"""Templates with random damage: whatever is wrong is told, never raised, and fixes can be tried."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.advice.advising import advise
from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.facts import FieldFacts
from kbuilder.document.graph import Edge, Graph
from kbuilder.document.mending import apply_fix
from kbuilder.document.options import CompileOptions
from kbuilder.document.problems import KINDS, joined
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.document.templates import load_templates
from kbuilder.engine.infer import Inference
from tests.engine.conftest import loss, make_node

VALUES = [
    *(None, 0, -3, 1, 7, 1.5, True, "same", "softmax", "sigmoid", "", "int32", "string"),
    *([], [2], [2, 2], [3, 3, 3], [0, 0], [[1, 1], [2, 2]], [None, 4], {}, {"class_name": "LSTM"}),
    *({"class_name": "Dense", "params": {"units": 3}}, {"class_name": "GRU", "params": None}),
]
DTYPES = [*["float32"] * 6, "int32", "string"]
FIELDS = [
    FieldFacts(name="y", dtype="int64", shape=(), classes=("0", "1", "2"), minimum=0, maximum=2),
    FieldFacts(name="y", dtype="text", shape=(), classes=("a", "b", "c", "d")),
    FieldFacts(name="y", dtype="float32", shape=(5,), minimum=-0.5, maximum=1.5),
    FieldFacts(name="y", dtype="float32", shape=(8, 8, 3)),
]
LOSSES = (
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
    "BinaryCrossentropy",
    "MeanSquaredError",
    "CTC",
)
TRIALS = 10
NETS = 250
SHAPES = [[8], [8, 4], [8, 8, 3], [None, 3], [4, 8, 8, 3], [], [None, None, 3], [8, None]]


def damaged(project: Project, dice: random.Random, names: list[str]) -> Project:
    """The project after a few careless edits."""
    for _ in range(dice.randint(1, 3)):
        graph = project.graph
        node = dice.choice(graph.nodes)
        action = dice.randrange(5)
        if action == 0 and graph.edges:
            project = edits.disconnect(project, [dice.choice(graph.edges).key])
        elif action == 1 and graph.edges:
            edge = dice.choice(graph.edges)
            other = replace(edge, source=node.id, source_port=dice.choice([0, 0, 1]))
            project = edits.connect(project, other)
        elif action == 2:
            project = edits.freeze(project, [node.id], True)
        else:
            project = edits.set_params(
                project, [node.id], {dice.choice(names): dice.choice(VALUES)}
            )
    return project


@pytest.mark.parametrize("name", [template.name for template in load_templates()])
def test_damage_is_told_and_its_fixes_can_be_tried(name, catalogue):
    dice = random.Random(name)
    fragment = next(each for each in load_templates() if each.name == name).fragment()
    graph = Graph(nodes=fragment.nodes, edges=fragment.edges, groups=fragment.groups)
    names = sorted(
        {param.name for node in graph.nodes for param in catalogue.layer(node.class_name).params}
    )
    inference = Inference(catalogue)

    def judge(project: Project):
        facts, refused = inference.infer(project.graph)
        fields = {
            node.id: (dice.choice(FIELDS),)
            for node in (*project.graph.inputs, *project.graph.outputs)
        }
        return joined(
            check(project, catalogue),
            refused,
            advise(project, catalogue, facts, fields, dice.choice([0, 10**6, 10**10])),
        )

    for _ in range(TRIALS):
        outputs = {node.id: loss(dice.choice(LOSSES), "Accuracy") for node in graph.outputs}
        project = Project(graph=graph, compile=CompileOptions(outputs=outputs))
        project = damaged(project, dice, names)
        for problem in judge(project):
            assert problem.kind in KINDS
            assert problem.text.strip().endswith((".", "?", "!")), problem.text
            for fix in problem.fixes:
                judge(apply_fix(project, fix, catalogue))


def random_net(dice: random.Random, specs: list[ClassSpec]) -> Project:
    """Up to three layers of any class behind each other, with parameters of any value."""
    nodes = [
        make_node("Input", f"in{number}", shape=dice.choice(SHAPES), dtype=dice.choice(DTYPES))
        for number in range(3)
    ]
    edges, above = [], nodes[0]
    for number in range(dice.randint(1, 3)):
        spec = dice.choice(specs)
        names = [param.name for param in spec.params]
        odd = {name: dice.choice(VALUES) for name in dice.sample(names, min(len(names), 1))}
        params = {**spec.preset, **(odd if dice.random() < 0.4 else {})}
        node = replace(make_node(spec.class_name, f"layer{number}"), params=params)
        nodes.append(node)
        ports = 3 if spec.many_inputs else len(spec.ports)
        sources = [above, *nodes[1:3]][:ports]
        edges += [
            Edge(source=source.id, target=node.id, target_port=port)
            for port, source in enumerate(sources)
        ]
        above = node
    return Project(graph=Graph(nodes=tuple(nodes), edges=tuple(edges)))


def test_what_is_offered_against_a_refusal_removes_it_from_any_layer(catalogue):
    dice = random.Random(5)
    inference = Inference(catalogue)
    specs = [each for each in catalogue.layers if not (each.hidden or each.class_name == "Input")]

    def judge(project: Project):
        return (*check(project, catalogue), *inference.infer(project.graph)[1])

    tried = 0
    for _ in range(NETS):
        project = random_net(dice, specs)
        for problem in judge(project):
            place = (problem.kind, problem.node, problem.parameter, problem.text)
            for fix in problem.fixes:
                tried += 1
                mended = judge(apply_fix(project, fix, catalogue))
                assert place not in [(p.kind, p.node, p.parameter, p.text) for p in mended], fix
    assert tried > NETS / 2
