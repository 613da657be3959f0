"""One way out for every format: refuse what cannot be, write beside the target, prove, rename."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kbuilder.document.atomic import write_atomically, write_folder_atomically
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.exportable import blockers
from kbuilder.document.formats import Format, chosen_format
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.exports import (
    keras_files,
    script_file,
    summary_file,
    tensorflow_files,
    tf_keras,
)
from kbuilder.engine.exports.proof import Proof, ProofError
from kbuilder.engine.exports.subject import Subject
from kbuilder.link.events import Exported
from kbuilder.link.requests import Export

SAVED_MODEL = "saved_model.pb"
"""The file by which TensorFlow knows such a folder."""

Writer = Callable[[Subject, Path, Catalogue], Proof]

WRITERS: dict[str, Writer] = {
    "hdf5": keras_files.write_whole,
    "keras": keras_files.write_whole,
    "tf_keras_hdf5": tf_keras.write,
    "weights": keras_files.write_weights_alone,
    "weights_hdf5": keras_files.write_weights_alone,
    "json": keras_files.write_json,
    "saved_model": tensorflow_files.write_saved_model,
    "onnx": tensorflow_files.write_onnx,
    "tflite": tensorflow_files.write_litert,
    "python": script_file.write,
    "text": summary_file.write_text,
    "markdown": summary_file.write_markdown,
}
"""Each writes to the path it is given and proves what it has written."""


def answer(request: Export, subject: Subject, catalogue: Catalogue) -> Exported:
    """Do what is asked, and say how it was tried.

    Raises:
        BuildError, KBuilderError, SaveError: as for ``export``.
        StopRequestedError: the user did not want to wait; nothing is written.
    """
    path = Path(request.path)
    wanted = chosen_format(path, request.format, request.weights_only)
    proof = export(subject, path, wanted, catalogue)
    return Exported(
        request=request.request,
        path=str(path),
        difference=proof.difference,
        verified_by=proof.verified_by,
        notes=proof.notes,
    )


def export(subject: Subject, path: Path, wanted: Format, catalogue: Catalogue) -> Proof:
    """Write the model, prove the file, and only then put it in the place of ``path``.

    Raises:
        BuildError: the format cannot hold this network, or a package is missing; the problems say why.
        KBuilderError: the file does not hold the same model.
        SaveError: it could not be written. What stood at ``path`` before still does in all cases.
    """
    faults = tuple(
        each for each in blockers(subject.project, catalogue, wanted) if each.severity == "error"
    )
    if faults:
        raise BuildError(faults)
    proofs: list[Proof] = []

    def write(temporary: Path) -> None:
        proofs.append(WRITERS[wanted.id](subject, temporary, catalogue))

    try:
        if wanted.folder:
            write_folder_atomically(path, write, SAVED_MODEL)
        else:
            write_atomically(path, write)
    except ProofError as error:
        raise KBuilderError(
            f"“{path.name}” was not written, as {wanted.title} cannot be used: {error}. "
            "Choose another format."
        ) from error
    return proofs[0]
