"""The options of a project by dotted names, so that runs can be set side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph
from kbuilder.document.project import Project
from kbuilder.document.project_file import plain
from kbuilder.document.values import KerasObject, Value

Settings = dict[str, Any]


def settings_of(project: Project, catalogue: Catalogue | None = None) -> Settings:
    """Every option around the graph by its dotted name, such as ``fit.batch_size``.

    ``optimizer`` is the class alone; its parameters are ``optimizer.NAME``, with Keras's defaults where
    a catalogue is given. Options of an output are ``NAME.loss`` and so on by the name of the node.
    """
    found: Settings = {"optimizer": project.compile.optimizer.class_name}
    found |= _optimizer(project.compile.optimizer, catalogue)
    for part in ("compile", "fit", "data", "sweep"):
        for name, value in _fields(getattr(project, part)).items():
            if (part, name) not in (("compile", "optimizer"), ("compile", "outputs")):
                found[f"{part}.{name}"] = _by_name(plain(value), project.graph)
    for node, output in project.compile.outputs.items():
        name = _name(project.graph, node)
        found |= {f"{name}.{key}": _short(plain(item)) for key, item in _fields(output).items()}
    return found


def differing(all_settings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of the settings that are not the same wherever they are, in the order of the first."""
    names = dict.fromkeys(name for settings in all_settings for name in settings)
    return tuple(name for name in names if not _alike(s[name] for s in all_settings if name in s))


def setting_text(value: Any) -> str:
    """A setting as a short text: a float without rounding noise, an object by its class."""
    value = _short(value)
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={setting_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(setting_text(item) for item in value)
    return str(value)


def _alike(values: Iterable[Any]) -> bool:
    first, *rest = values
    return all(value == first for value in rest)


def _optimizer(optimizer: KerasObject, catalogue: Catalogue | None) -> Settings:
    spec = catalogue.find("optimizers", optimizer.class_name) if catalogue else None
    defaults = {param.name: param.default for param in spec.params} if spec else {}
    return {f"optimizer.{name}": value for name, value in (defaults | optimizer.params).items()}


def _fields(value: Value) -> Settings:
    names = type(value).__struct_fields__
    return {name: getattr(value, name) for name in names if name != "extra"}


def _by_name(value: Any, graph: Graph) -> Any:
    """Options that go by node id, by the names of the nodes."""
    if isinstance(value, dict):
        return {_name(graph, key) if isinstance(key, str) else key: v for key, v in value.items()}
    return value


def _name(graph: Graph, node: str) -> str:
    return graph.by_id[node].name if node in graph.by_id else node


def _short(value: Any) -> Any:
    """Objects without parameters as the name of their class."""
    if isinstance(value, dict) and "class_name" in value:
        params = value.get("params") or {}
        inner = ", ".join(f"{key}={setting_text(item)}" for key, item in params.items())
        return f"{value['class_name']}({inner})" if inner else value["class_name"]
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
