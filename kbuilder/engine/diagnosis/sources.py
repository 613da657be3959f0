"""Outputs that are not there, wrappers around the wrong layer, and shared layers."""

from __future__ import annotations

from kbuilder.document.fixes import Connect, Disconnect, Fix, Unshare
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import count, words
from kbuilder.engine.diagnosis.case import Case

STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}


def missing_output(case: Case) -> Problem | None:
    """A wire that starts at an output which its layer does not have."""
    for edge in case.wiring.graph.incoming[case.node.id]:
        has = len(case.outputs.get(edge.source, ()))
        if edge.source not in case.outputs or edge.source_port < has:
            continue
        source = case.wiring.graph.by_id[edge.source]
        gone = Disconnect(node=case.node.id, port=edge.target_port, source=source.id)
        again = Connect(source=source.id, target=case.node.id, port=edge.target_port)
        fixes = [Fix(text=f"Use output 1 of {source.name}", steps=(gone, again))]
        if has == 1 and edge.source_port <= STATES.get(source.class_name, 0):
            text = f"Use return_state in {source.name}"
            fixes.insert(0, case.set_on(source.id, text, return_state=True))
        fixes.append(Fix(text="Remove the wire", steps=(gone,)))
        return case.problem(
            "output-missing",
            f"A wire to “{case.node.name}” starts at output {edge.source_port + 1} of "
            f"“{source.name}”, which has {has}. Remove the wire, or change “{source.name}” so that it "
            "has this output.",
            fixes,
        )
    return None


def without_samples(case: Case) -> Problem | None:
    """One number for the whole batch, as an operation over all axes gives, where there must be axes."""
    found = [given for given in case.inputs if not given.shape]
    if not found or (case.spec.is_operation and case.value("axis") is None):
        return None
    source = case.wiring.graph.by_id[found[0].source]
    spec = case.wiring.catalogue.layer(source.class_name)
    fix = None
    if spec is not None and spec.param("axis") and spec.param("keepdims"):
        text = f"Let {source.name} work on each sample by axis -1"
        fix = case.set_on(source.id, text, axis=-1, keepdims=True)
    return case.problem(
        "no-samples",
        f"{case.title} works on samples, but “{source.name}” gives one value for the whole batch. "
        "Use something that gives a value for each sample.",
        [fix],
    )


def wrong_inner_layer(case: Case) -> Problem | None:
    """Bidirectional around a layer that cannot run backwards."""
    inner = case.value("layer")
    if case.node.class_name != "Bidirectional" or not isinstance(inner, dict):
        return None
    name = str(inner.get("class_name", ""))
    spec = case.wiring.catalogue.layer(name)
    if spec is None or spec.param("go_backwards") is not None:
        return None
    units = inner.get("params", {}).get("units", 32)
    fixes = [
        case.set(
            f"Use {other}({units}) inside", layer={"class_name": other, "params": {"units": units}}
        )
        for other in ("LSTM", "GRU")
    ]
    return case.problem(
        "wrapper-layer",
        f"{case.title} runs its layer forwards and backwards, so it takes a recurrent layer with "
        f"go_backwards, as LSTM, not {name}.",
        fixes,
        "layer",
    )


def other_shape_shared(case: Case) -> Problem | None:
    """A shared layer on an input of another shape than where it was made."""
    owner = case.wiring.graph.layer_of(case.node.id)
    made = case.given_by(case.wiring.source(owner.id))
    if owner.id == case.node.id or not case.inputs or not made:
        return None
    given = case.inputs[0].shape
    if made == given:
        return None
    width = made[-1] if len(made) > 1 else None
    fixes = [Fix(text="Give it a layer of its own", steps=(Unshare(nodes=(case.node.id,)),))]
    if width is not None and len(made) == len(given) and made[1:-1] == given[1:-1]:
        fixes.insert(0, case.insert(f"Insert Dense({width})", "Dense", units=width))
    return case.problem(
        "shared-shape",
        f"{case.title} shares the layer of “{owner.name}”, whose weights are for {words(made)}, but gets "
        f"{words(given)} with {count(len(given), 'dimension')}. Bring it to the same shape, or give it a "
        "layer of its own.",
        fixes,
    )
