"""The project's own Python code, run only when this user has approved its text on this machine."""

from __future__ import annotations

import contextlib
import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import keras
from keras.src.losses.losses import LossFunctionWrapper

from kbuilder.document import approvals
from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.own_code import code_problems, own_specs
from kbuilder.document.problems import Problem
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.wording import plain_text

MODULE = "own_code"
"""Name of the module that the code is run as; Keras writes it into what it saves."""
FILE = "<own code>"

_IN_GRAPH = re.compile(rf'File "{FILE}", line (\d+)')
_loaded: dict[str, ModuleType] = {}


def make_own(catalogue: Catalogue, spec: ClassSpec, params: Mapping[str, Any]) -> Any:
    """An object of own code; a function of targets and predictions as a loss or metric of that function.

    Raises:
        BuildError: the code is not approved, or fails when it is run.
    """
    found = own_object(catalogue, spec)
    if inspect.isclass(found):
        return found(**params)
    if spec.section == "losses":
        return LossFunctionWrapper(found, **{"name": spec.class_name, **params})
    return keras.metrics.MeanMetricWrapper(found, **{"name": spec.class_name, **params})


def own_object(catalogue: Catalogue, spec: ClassSpec) -> Any:
    """The class or function of that name in the own code.

    Raises:
        BuildError: the code is not approved, or fails when it is run.
    """
    return getattr(own_module(catalogue.code, spec.class_name), spec.class_name)


def own_module(code: str, wanted: str = "") -> ModuleType:
    """The module that the code makes; it is run once for each text.

    Raises:
        BuildError: the code is not approved, or fails when it is run.
    """
    if not approvals.is_approved(code):
        subject = f"“{wanted}” is" if wanted else "There is"
        text = (
            f"{subject} own code of this project, which does not run before you trust it. Read it under "
            "Design, tab CODE, and press Trust."
        )
        raise BuildError((Problem(severity="error", kind="own-code-held", text=text),))
    if code not in _loaded:
        module = ModuleType(MODULE)
        module.__file__ = FILE
        linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
        sys.modules[MODULE] = module
        try:
            exec(compile(code, FILE, "exec"), module.__dict__)
        except Exception as error:
            raise BuildError((own_problem(error),)) from error
        _loaded.clear()
        _loaded[code] = module
    sys.modules[MODULE] = _loaded[code]
    return _loaded[code]


def own_problem(error: BaseException, node: str = "") -> Problem:
    """An error of own code, used by ``node``, as a problem with the line that it comes from."""
    line = own_line(error)
    text = f"Own code, line {line}: {type(error).__name__}: {plain_text(error)}"
    return Problem(severity="error", kind="own-code", text=text, node=node, line=line)


def own_line(error: BaseException) -> int:
    """The last line of own code that an error went through, from 1; 0 if there is none."""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename == FILE]
    # TensorFlow runs a rewritten copy of the code, and has the place in the words of the error.
    lines = [int(line) for line in _IN_GRAPH.findall(str(error))] or lines
    return lines[-1] if lines else 0


def check_code(code: str, catalogue: Catalogue) -> tuple[bool, tuple[Problem, ...]]:
    """Whether the code may run, and what is wrong with it, also when it is run."""
    approved, problems = code_problems(code, catalogue)
    if approved and not any(each.severity == "error" for each in problems):
        try:
            own_module(code)
        except BuildError as error:
            return True, (*error.problems, *problems)
    return approved, problems


@contextlib.contextmanager
def own_objects(catalogue: Catalogue) -> Iterator[None]:
    """Let Keras find the classes of the own code by name while it reads a configuration."""
    specs = own_specs(catalogue.code, catalogue)
    if not specs:
        yield
        return
    found = {spec.class_name: own_object(catalogue, spec) for spec in specs}
    with keras.saving.custom_object_scope(found):
        yield
