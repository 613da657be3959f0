"""Keras objects as source: layers, losses, optimizers and what stands in their parameters."""

from __future__ import annotations

import ast
from typing import Any

from kbuilder.document.catalogue import Catalogue, ParamSpec, Section
from kbuilder.document.naming import snake_case
from kbuilder.document.script.code import Call, Expression, Listed, Raw, call, value
from kbuilder.document.values import KerasObject, Params

MODULES: dict[Section, str] = {
    "layers": "layers",
    "optimizers": "optimizers",
    "losses": "losses",
    "metrics": "metrics",
    "callbacks": "callbacks",
    "initializers": "initializers",
    "regularizers": "regularizers",
    "constraints": "constraints",
    "schedules": "optimizers.schedules",
}
"""What each section of the catalogue is called in a script."""


PRIVATE = {
    "LayerScale": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}
"""Layers that Keras has for its own networks, and where."""


class Objects:
    """Writes objects, and remembers which of Keras's modules they need.

    ``code`` is the own code, ``legacy`` the source of what Keras 2 had and Keras 3 has not. Both stand in
    the script, so their classes and functions are called by their bare names.
    """

    def __init__(self, catalogue: Catalogue, code: str = "", legacy: str = "") -> None:
        self._catalogue = catalogue
        self._functions = _names_in(code, ast.FunctionDef)
        self._legacy = _names_in(legacy, ast.FunctionDef, ast.ClassDef)
        self.modules: set[str] = set()
        self.private: dict[str, str] = {}
        self.uses_partial = False
        self.uses_legacy = False

    def made(self, section: Section, class_name: str, params: Params) -> Call:
        """The call that makes an object. Parameters that are objects themselves are made within."""
        spec = self._catalogue.find(section, class_name)
        arguments = {
            name: self._value(spec.param(name) if spec else None, found)
            for name, found in params.items()
        }
        return call(self.class_path(section, class_name), **arguments)

    def class_path(self, section: Section, class_name: str) -> str:
        """How a class is called in the script: ``layers.Dense``, or by its bare name if it is own."""
        spec = self._catalogue.find(section, class_name)
        if spec is not None and spec.own:
            return spec.class_name
        if class_name in self._legacy:
            self.uses_legacy = True
            return class_name
        if class_name in PRIVATE:
            self.private[class_name] = PRIVATE[class_name]
            return class_name
        module = MODULES[section]
        self.modules.add(module.split(".")[0])
        return f"{module}.{spec.class_name if spec else class_name}"

    def module(self, name: str) -> str:
        """A module of Keras that the script uses."""
        self.modules.add(name)
        return name

    def loss(self, wanted: KerasObject) -> Expression:
        """A loss. A function of own code is given as it is, with its parameters filled in."""
        if wanted.class_name not in self._functions:
            return self.made("losses", wanted.class_name, wanted.params)
        params = {name: value(each) for name, each in wanted.params.items() if name != "name"}
        if not params:
            return Raw(wanted.class_name)
        self.uses_partial = True
        return call("partial", Raw(wanted.class_name), **params)

    def metric(self, wanted: KerasObject) -> Expression:
        """A metric with a fixed name, because Keras counts up names that it makes itself."""
        spec = self._catalogue.find("metrics", wanted.class_name)
        params = dict(wanted.params)
        if wanted.class_name not in self._functions:
            named = spec.param("name") if spec else None
            if not params.get("name") and (named is None or named.default is None):
                params["name"] = snake_case(wanted.class_name)
            if spec is not None and spec.own and named is None:
                del params["name"]
            return self.made("metrics", wanted.class_name, params)
        self.modules.add("metrics")
        given = {"name": wanted.class_name, **params}
        arguments = {name: value(each) for name, each in given.items()}
        return call("metrics.MeanMetricWrapper", Raw(wanted.class_name), **arguments)

    def _value(self, param: ParamSpec | None, found: Any) -> Expression:
        if isinstance(found, dict) and "class_name" in found and param is not None and param.of:
            return self.made(param.of, found["class_name"], found.get("params", {}))
        if isinstance(found, list):
            brackets = "()" if param is not None and "shape" in param.kinds else "[]"
            return Listed(brackets, tuple(self._value(param, item) for item in found))
        if isinstance(found, str) and found in self._legacy and param is not None:
            self.uses_legacy = True
            return Raw(found)
        return value(found)


def _names_in(code: str, *kinds: type[ast.stmt]) -> frozenset[str]:
    """Names of the functions or classes that code defines."""
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(
        each.name
        for each in statements
        if isinstance(each, ast.FunctionDef | ast.ClassDef) and isinstance(each, kinds)
    )
