"""Making a layer one of another class, as from Conv2D to SeparableConv2D, without drawing it anew."""

from __future__ import annotations

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph
from kbuilder.document.naming import snake_case, unique_name
from kbuilder.document.param_rules import fault
from kbuilder.document.ports import input_ports, output_ports
from kbuilder.document.project import Project
from kbuilder.document.values import Params


def replaced(project: Project, node_id: str, spec: ClassSpec, catalogue: Catalogue) -> Project:
    """The project with another class for the layer of a node.

    Parameters that the new class also has and takes are kept, and so are wires to ports that it has.
    A name that Keras would have given is replaced by the one it would give now.
    """
    graph = project.graph
    layer = graph.layer_of(node_id)
    kept = {
        name: value
        for name, value in layer.params.items()
        if (param := spec.param(name)) is not None and not fault(param, value, catalogue)
    }
    old = layer.class_name
    params = {**spec.preset, **kept}
    project = edits.replace_class(project, node_id, spec.class_name, params)
    users = [node for node in graph.nodes if layer.id in (node.id, node.shares)]
    for node in users:
        outputs = len(output_ports(spec, params, node.call))
        gone = [edge.key for edge in graph.incoming[node.id] if not _takes(spec, params, edge)]
        gone += [edge.key for edge in graph.outgoing[node.id] if edge.source_port >= outputs]
        project = edits.disconnect(project, gone)
        if _is_default(node.name, old):
            project = edits.rename(project, node.id, _name(project.graph, spec.class_name))
    return project


def _takes(spec: ClassSpec, params: Params, edge: Edge) -> bool:
    if spec.class_name == INPUT_CLASS:
        return False
    return spec.many_inputs or edge.target_port < len(input_ports(spec, params))


def _is_default(name: str, class_name: str) -> bool:
    stem, _, digits = name.rpartition("_")
    return snake_case(class_name) in (name, stem if digits.isdigit() else name)


def _name(graph: Graph, class_name: str) -> str:
    return unique_name(graph, snake_case(class_name))
