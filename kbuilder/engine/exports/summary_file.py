"""The summary as a text file: the parameters that it counts are those that Keras counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kbuilder.document.atomic import write_bytes
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.project import Project
from kbuilder.document.summary import Facts, as_markdown, as_text, parameters
from kbuilder.engine.exports.proof import Proof, ProofError
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.infer import Inference
from kbuilder.engine.precision import under_policy


def write_text(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """The summary as plain text."""
    return _write(subject, path, catalogue, as_text)


def write_markdown(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """The summary as Markdown."""
    return _write(subject, path, catalogue, as_markdown)


def _write(
    subject: Subject, path: Path, catalogue: Catalogue, words: Callable[[Project, Facts, str], str]
) -> Proof:
    with under_policy(subject.project.compile.dtype_policy):
        facts, _ = Inference(catalogue).infer(subject.project.graph)
    counted, found = parameters(facts), subject.model.count_params()
    if counted != found:
        raise ProofError(f"it counts {counted:,} parameters and Keras {found:,}")
    write_bytes(path, words(subject.project, facts, subject.name).encode())
    return Proof(notes=(f"Keras counts {found:,} parameters too.",))
