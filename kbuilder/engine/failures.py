"""How a request that could not be done is told."""

from __future__ import annotations

import re
import traceback

import tensorflow as tf

from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.graph import Graph
from kbuilder.document.problems import Problem
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.own_code import own_line, own_problem
from kbuilder.engine.wording import IN_GRAPH, plain_text
from kbuilder.link.events import Failed


def failure(request: int, error: Exception) -> Failed:
    """Any error as the end of a request: one sentence, and the traceback where a report needs it."""
    if isinstance(error, BuildError):
        details = "" if error.__cause__ is None else _traceback(error)
        return Failed(request=request, text=str(error), problems=error.problems, details=details)
    if isinstance(error, KBuilderError):
        refused = isinstance(error, FileRefusedError)
        return Failed(request=request, text=str(error), refused=refused)
    return Failed(request=request, text=_sentence(error), details=_traceback(error))


def fitting_problem(error: BaseException, graph: Graph) -> Problem:
    """An error while a model was being trained, at the node whose operation failed if that is told."""
    if own_line(error):
        return own_problem(error)
    at_node = IN_GRAPH.search(str(error))
    parts = at_node["path"].split("/") if at_node else []
    # TensorFlow counts names up (embed_1) where an operation's layer is used again.
    bare = {re.sub(r"_\d+$", "", part) for part in parts} | set(parts)
    node = next((node for node in graph.nodes if node.name in bare), None)
    if isinstance(error, tf.errors.ResourceExhaustedError):
        text = _NO_MEMORY
    elif node is None:
        text = f"The model could not be trained: {plain_text(error)}"
    else:
        text = f"{node.class_name} “{node.name}” failed in training: {plain_text(error)}"
    return Problem(severity="error", node=node.id if node else "", text=text)


_NO_MEMORY = (
    "There is not enough memory for this model and batch size. Choose a smaller batch size, "
    "smaller layers or smaller data."
)


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return _NO_MEMORY
    if isinstance(error, tf.errors.OpError):
        return f"TensorFlow could not run the model: {plain_text(error)}"
    return f"Something went wrong in the engine ({type(error).__name__}): {plain_text(error)}"


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
