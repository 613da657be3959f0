"""The whole script: imports, own code, data, model, compile, fit, save."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from kbuilder import __version__
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.script.code import Expression, Raw, call, quoted, sequence, statement, value
from kbuilder.document.script.data import DataWriter
from kbuilder.document.script.fit import FitWriter
from kbuilder.document.script.layers import LayerWriter
from kbuilder.document.script.objects import Objects
from kbuilder.document.script.place import DataPlace
from kbuilder.document.script.steering import Steered

_JIT_COMPILE = {"always": True, "never": False}
_FUTURE = re.compile(r"^from __future__ import .*\n", re.MULTILINE)


def script(
    place: DataPlace, catalogue: Catalogue, name: str, steered: Sequence[Steered] = ()
) -> str:
    """The project as a Python script that needs nothing but Keras and NumPy.

    ``name`` is what the model is called and saved as. Where the place has data, it reads them and trains.
    ``steered`` is what was changed by hand in the run that it stands for.

    Raises:
        KBuilderError: the graph has a class that nobody knows, or a circle.
    """
    project = place.project
    objects = Objects(catalogue, project.custom_code, place.legacy)
    layers = LayerWriter(project.graph, catalogue, objects)
    layers.write()
    judged = any(each.loss for each in _outputs(project))
    compile_lines = _compile_function(project, objects) if judged else []
    data = DataWriter(place) if place.fields and judged else None
    data_lines = data.functions() if data else []
    fit = FitWriter(project, objects, steered) if data else None
    future = "".join(_FUTURE.findall(project.custom_code))
    legacy = _body(place.legacy) if objects.uses_legacy else ""
    if legacy and not future:
        future = "from __future__ import annotations\n"
    own = _FUTURE.sub("", project.custom_code).strip("\n")
    sections = [
        [_docstring(name, data is not None)],
        [*([future.strip()] if future else []), *_imports(objects, data)],
        [
            f"SEED = {project.fit.seed}",
            *(fit.constants() if fit else []),
            *(data.constants() if data else []),
            *(fit.augmentation() if fit else []),
        ],
        legacy.splitlines(),
        own.splitlines(),
        data_lines,
        _model_function(project, layers.lines),
        compile_lines,
        *(fit.sections(bool(place.validation_path)) if fit else []),
        _main_function(name, judged, data is not None),
        ['if __name__ == "__main__":', "    main()"],
    ]
    head = "\n\n".join("\n".join(lines) for lines in sections[:3])
    rest = ["\n".join(lines) for lines in sections[3:] if lines]
    return "\n\n\n".join([head, *rest]) + "\n"


def _body(source: str) -> str:
    """A module without what stands at its top: the docstring and ``__future__``."""
    tree = ast.parse(source)
    top = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) else 0
    return _FUTURE.sub("", "\n".join(source.splitlines()[top:])).strip("\n")


def _docstring(name: str, trains: bool) -> str:
    does = "trains and saves" if trains else "builds and saves"
    plain = name.replace("\\", "/").replace('"', "'")
    return (
        f'"""{plain}: {does} a Keras model.\n\n'
        f'Written by kbuilder {__version__}; needs nothing but Keras with TensorFlow.\n"""'
    )


def _imports(objects: Objects, data: DataWriter | None) -> list[str]:
    standard = []
    if data is not None and data.is_table:
        standard.append("import csv")
    if objects.uses_partial:
        standard.append("from functools import partial")
    if data is not None:
        standard.append("from pathlib import Path")
    others = ["import keras", *(["import numpy as np"] if data is not None else [])]
    modules = sorted(objects.modules)
    if modules:
        others.append(f"from keras import {', '.join(modules)}")
    others += [f"from {module} import {name}" for name, module in sorted(objects.private.items())]
    return [*standard, *([""] if standard else []), *others]


def _model_function(project: Project, lines: Sequence[str]) -> list[str]:
    policy = project.compile.dtype_policy
    return [
        "def build_model():",
        '    """The model with fresh weights, the same each time."""',
        "    keras.utils.set_random_seed(SEED)",
        *([f"    keras.config.set_dtype_policy({quoted(policy)})"] if policy != "float32" else []),
        *lines,
    ]


def _compile_function(project: Project, objects: Objects) -> list[str]:
    options = project.compile
    optimizer = objects.made("optimizers", options.optimizer.class_name, options.optimizer.params)
    outputs = _outputs(project)
    named: dict[str, Expression] = {
        "optimizer": optimizer,
        "loss": _bare([objects.loss(each.loss) if each.loss else Raw("None") for each in outputs]),
    }
    if any(each.loss_weight != 1.0 for each in outputs):
        named["loss_weights"] = value([each.loss_weight for each in outputs])
    for part in ("metrics", "weighted_metrics"):
        lists = [[objects.metric(metric) for metric in getattr(each, part)] for each in outputs]
        if any(lists):
            named[part] = _bare([sequence(each) for each in lists])
    named |= _execution(options)
    return [
        "def compile_model(model):",
        '    """How the model learns, and what is measured."""',
        *statement(call("model.compile", **named)),
    ]


def _execution(options: CompileOptions) -> dict[str, Expression]:
    named: dict[str, Expression] = {}
    if options.jit_compile in _JIT_COMPILE:
        named["jit_compile"] = value(_JIT_COMPILE[options.jit_compile])
    if options.steps_per_execution > 1:
        named["steps_per_execution"] = value(options.steps_per_execution)
    return named


def _main_function(name: str, judged: bool, trains: bool) -> list[str]:
    return [
        "def main():",
        "    model = build_model()",
        "    model.summary()",
        *(["    compile_model(model)"] if judged else []),
        *(["    train(model)"] if trains else []),
        *statement(call("model.save", value(f"{name}.keras"))),
    ]


def _outputs(project: Project) -> list[OutputOptions]:
    return [project.compile.outputs.get(node.id, OutputOptions()) for node in project.graph.outputs]


def _bare(parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else sequence(parts)
