import pytest

from kbuilder.document.freezing import first, named, up_to
from kbuilder.document.graph import Edge, Graph, Node


@pytest.fixture
def graph():
    """x -> block1_conv -> block1_pool -> join <- side <- x; join -> head."""
    names = ("x", "block1_conv", "side", "block1_pool", "join", "head")
    wires = (
        "x block1_conv",
        "block1_conv block1_pool",
        "x side",
        "block1_pool join",
        "side join",
        "join head",
    )
    nodes = tuple(
        Node(id=f"#{name}", class_name="Input" if name == "x" else "Dense", name=name)
        for name in names
    )
    edges = tuple(
        Edge(source=f"#{a}", target=f"#{b}", target_port=int((a, b) == ("side", "join")))
        for a, b in (wire.split() for wire in wires)
    )
    return Graph(nodes=nodes, edges=edges)


def test_up_to_takes_all_that_leads_there(graph):
    assert set(up_to(graph, ["#join"])) == {"#block1_conv", "#block1_pool", "#side", "#join"}
    assert up_to(graph, ["#block1_pool"]) == ("#block1_conv", "#block1_pool")


def test_the_first_layers_do_not_count_inputs(graph):
    assert first(graph, 1) == ("#block1_conv",)
    assert len(first(graph, 99)) == 5
    assert first(graph, 0) == ()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("block1_*", {"#block1_conv", "#block1_pool"}),
        ("*_conv", {"#block1_conv"}),
        ("POOL", {"#block1_pool"}),
        ("h?ad", {"#head"}),
        ("", set()),
        ("none", set()),
    ],
)
def test_names_are_matched_as_file_names_are(graph, pattern, found):
    assert set(named(graph, pattern)) == found
