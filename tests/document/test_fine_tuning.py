from itertools import pairwise

import pytest
from msgspec.structs import replace

from kbuilder.document import fine_tuning as tuning
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.project import Project
from kbuilder.document.rules import check

CHAIN = (
    ("Input", "pictures"),
    ("Conv2D", "conv_1"),
    ("BatchNormalization", "norm_1"),
    ("Conv2D", "conv_2"),
    ("BatchNormalization", "norm_2"),
    ("GlobalAveragePooling2D", "pool"),
    ("Dense", "fc"),
    ("Dense", "predictions"),
)


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


@pytest.fixture
def base(catalogue):
    nodes = tuple(
        Node(
            id=f"#{name}",
            class_name=class_name,
            name=name,
            params=dict(catalogue.layer(class_name).preset),
            y=100.0 * number,
        )
        for number, (class_name, name) in enumerate(CHAIN)
    )
    nodes = (replace(nodes[0], params={"shape": [32, 32, 3]}), *nodes[1:])
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    return Project(graph=Graph(nodes=nodes, edges=edges))


def trainable(project):
    return {node.name for node in project.graph.nodes if node.trainable}


def test_the_whole_recipe(base, catalogue):
    top = tuning.top_of(base.graph)
    assert top == "#pool"
    project = tuning.cut_top(base, top)
    assert [node.name for node in project.graph.outputs] == ["pool"]
    project = tuning.add_head(project, top, 2, 5, 0.3)
    assert [node.class_name for node in project.graph.order][-2:] == ["Dropout", "Dense"]
    assert [problem for problem in check(project, catalogue) if problem.severity == "error"] == []
    project = tuning.freeze_base(project)
    assert trainable(project) == {"pictures", "head_dropout", "head_classes"}
    assert project.fit.begin_with == "in use"
    assert tuning.rate_of(project, catalogue) == 0.001
    project = tuning.unfreeze_top(project, "#conv_2")
    assert {"conv_2", "pool"} <= trainable(project)
    assert not {"conv_1", "norm_1", "norm_2"} & trainable(project)
    project = tuning.lower_rate(project, catalogue)
    assert tuning.rate_of(project, catalogue) == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("source", "rank", "added"),
    [
        ("#norm_2", 4, ["GlobalAveragePooling2D", "Dense"]),
        ("#norm_2", 3, ["Flatten", "Dense"]),
        ("#pool", 2, ["Dense"]),
    ],
)
def test_a_head_makes_a_vector_first_where_there_is_none(base, source, rank, added):
    project = tuning.add_head(tuning.cut_top(base, source), source, rank, 7, 0.0)
    made = [project.graph.by_id[node] for node in tuning.head_of(project.graph)]
    assert [node.class_name for node in made] == added
    assert made[-1].params["units"] == 7
    (output,) = project.graph.outputs
    assert project.compile.outputs[output.id].loss.class_name == "SparseCategoricalCrossentropy"


def test_a_head_takes_names_that_are_free(base):
    project = tuning.add_head(base, "#predictions", 2, 3, 0.0)
    twice = tuning.add_head(project, "#pool", 2, 3, 0.0)
    names = [node.name for node in twice.graph.nodes]
    assert len(names) == len(set(names))


def test_a_rate_by_schedule_is_replaced(base, catalogue):
    schedule = {"class_name": "CosineDecay", "params": {}}
    optimizer = replace(base.compile.optimizer, params={"learning_rate": schedule})
    project = replace(base, compile=replace(base.compile, optimizer=optimizer))
    assert tuning.rate_of(project, catalogue) is None
    lowered = tuning.lower_rate(project, catalogue)
    assert lowered.compile.optimizer.params["learning_rate"] == pytest.approx(1e-5)
