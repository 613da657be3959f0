"""Expressions that cannot be read, and those of a file that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.expression import fault
from kbuilder.document.fixes import Fix, SetParams
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem


def expression_problems(catalogue: Catalogue, node: Node) -> Iterator[Problem]:
    """What is wrong with the text of an Expression node."""
    text = node.params.get("expression", "")
    if reason := fault(text, catalogue.functions):
        yield Problem(
            severity="error",
            kind="expression",
            node=node.id,
            parameter="expression",
            text=reason,
        )
    elif node.params.get("approved", True) is False:
        step = SetParams(node=node.id, values={"approved": True})
        yield Problem(
            severity="warning",
            kind="expression-unread",
            node=node.id,
            parameter="approved",
            text=f"“{text}” was read from a Lambda layer of a file. Check that it says what you expect.",
            fixes=(Fix(text="It is right", steps=(step,)),),
        )
