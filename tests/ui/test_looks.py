"""What is known of nodes is told again only where it is new."""

from __future__ import annotations

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.problems import Problem
from kbuilder.ui.canvas.looks import Looks


def facts(width: int) -> NodeFacts:
    return NodeFacts(outputs=(TensorFacts((None, width), "float32"),))


def test_nodes_with_other_facts_or_problems_are_news(catalogue: Catalogue) -> None:
    looks = Looks(catalogue)
    odd = Problem(severity="error", text="odd", node="c")
    assert looks.set_facts({"a": facts(1), "b": facts(2)}, [odd]) == {"a", "b", "c"}
    assert looks.set_facts({"a": facts(1), "b": facts(3)}, [odd]) == {"b"}
    worse = Problem(severity="error", text="worse", node="c")
    assert looks.set_facts({"a": facts(1), "b": facts(3)}, [odd, worse]) == {"c"}
    assert looks.errors["c"] == 2
    assert looks.set_facts({"b": facts(3)}, []) == {"a", "c"}
    assert looks.errors["c"] == 0
    assert looks.shape("a", 0) == ""
    assert looks.set_facts({"b": facts(3)}, []) == set()
