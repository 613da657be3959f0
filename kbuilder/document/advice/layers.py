"""Single layers and neighbours: dropout of all, softmax twice, linear layers in a row."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.evidence import Evidence, activation_fix
from kbuilder.document.fixes import Fix, Remove, SetParams
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem


def dropout_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """Dropout that lets nothing through."""
    rate = evidence.wiring.value(node.id, "rate")
    if not isinstance(rate, int | float) or rate < 1:
        return
    step = SetParams(node=node.id, values={"rate": 0.5})
    yield Problem(
        severity="warning",
        kind="dropout-all",
        node=node.id,
        parameter="rate",
        text=f"“{node.name}” drops everything while training (rate {rate:g}), so nothing behind it "
        "learns. Use a rate below 1.",
        fixes=(Fix(text="Set rate to 0.5", steps=(step,)),),
    )


def softmax_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """Softmax of what is a softmax already."""
    layer = evidence.graph.layer_of(node.id)
    if layer.class_name != "Softmax" and layer.params.get("activation") != "softmax":
        return
    source = evidence.wiring.source(node.id)
    if not source:
        return
    above, first = evidence.last_activation(source)
    if above != "softmax":
        return
    bare = node.class_name in ("Softmax", "Activation")
    fixes = [
        Fix(text=f"Delete {node.name}", steps=(Remove(nodes=(node.id,)),)) if bare else None,
        activation_fix(evidence, first, "linear" if bare else "relu"),
    ]
    yield Problem(
        severity="warning",
        kind="softmax-twice",
        node=node.id,
        text=f"“{node.name}” takes softmax of what “{evidence.name(first)}” has already turned into "
        "probabilities, which makes them nearly equal. Keep one of them.",
        fixes=tuple(fix for fix in fixes if fix is not None),
    )


def linear_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """A Dense without activation right behind another one."""
    source = evidence.wiring.source(node.id)
    above = evidence.graph.by_id.get(source)
    if above is None or above.class_name != "Dense" or evidence.activation(source) != "linear":
        return
    step = SetParams(node=source, values={"activation": "relu"})
    yield Problem(
        severity="info",
        kind="linear-pair",
        node=source,
        parameter="activation",
        text=f"“{above.name}” has no activation, so it and “{node.name}” together can do no more than one "
        "Dense. Give it an activation such as relu.",
        fixes=(Fix(text=f"Use relu in {above.name}", steps=(step,)),),
    )
