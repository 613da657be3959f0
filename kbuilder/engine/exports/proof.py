"""Proof that a file holds the model: another program loads it in a clean process and predicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kbuilder.engine.exports.subject import Check, Subject, no_hurry

PROOFS = Path(__file__).with_name("proofs")
TIMEOUT_S = 300
PATIENCE_S = 0.1
"""So long until one looks again whether the user still waits."""
LARGEST_DIFFERENCE = 1e-4
"""Of outputs up to 1; larger ones may differ in proportion. Kernels of two programs round otherwise."""
LARGEST_HALF = 2e-2
"""The same where the network computes in 16 bits."""


class ProofError(Exception):
    """The file does not hold the same model; the text completes “… cannot be used: ”."""


@dataclass(frozen=True)
class Proof:
    """How a file was tried.

    ``difference`` is the largest one of all outputs, None where nothing can be compared.
    """

    difference: float | None = None
    verified_by: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a clean process found: its ``program`` with version, arrays, and anything else as JSON."""

    program: str
    arrays: list[np.ndarray]
    facts: Any = None


def ask(
    script: str,
    words: Sequence[str | Path],
    arrays: Sequence[np.ndarray] = (),
    files: Mapping[str, str] | None = None,
    path: Sequence[Path] = (),
    check: Check = no_hurry,
) -> Answer:
    """Run one of the proof scripts in a process of its own.

    It gets the ``words`` and a folder with the ``files`` (name to text) and the ``arrays`` as
    ``inputs.npz``; ``path`` is put before the folders that Python imports from.

    Raises:
        ProofError: it failed, with the last thing it said.
    """
    with tempfile.TemporaryDirectory(prefix="kbuilder-") as name:
        folder = Path(name)
        _save(folder / "inputs.npz", arrays)
        for file, text in (files or {}).items():
            (folder / file).write_text(text, encoding="utf-8")
        command = [sys.executable, "-I", "-B", str(PROOFS / script), *map(str, words), str(folder)]
        _run(command, os.pathsep.join(map(str, path)), check)
        facts = folder / "facts.json"
        return Answer(
            program=(folder / "program.txt").read_text(encoding="utf-8"),
            arrays=_loaded(folder / "outputs.npz"),
            facts=json.loads(facts.read_bytes()) if facts.exists() else None,
        )


def compared(subject: Subject, answer: Answer, notes: Sequence[str] = ()) -> Proof:
    """The proof that follows from another program's outputs for the same samples.

    Raises:
        ProofError: they are other outputs.
    """
    if subject.is_random:
        text = "The outputs are random, so they were not compared; the file loads and predicts."
        return Proof(None, answer.program, (*notes, text))
    if len(answer.arrays) != len(subject.outputs):
        raise ProofError(
            f"{answer.program} finds {len(answer.arrays)} outputs in it instead of "
            f"{len(subject.outputs)}"
        )
    pairs = list(zip(subject.outputs, answer.arrays, strict=True))
    for name, (ours, theirs) in zip(subject.output_names, pairs, strict=True):
        if ours.shape != theirs.shape:
            raise ProofError(
                f"the output “{name}” has shape {theirs.shape} in {answer.program} instead of {ours.shape}"
            )
    if not all(_alike(subject, *pair) for pair in pairs):
        worst = max(difference(*pair) for pair in pairs)
        raise ProofError(f"the outputs of {answer.program} differ from ours by {worst:.1e}")
    return Proof(max(difference(*pair) for pair in pairs), answer.program, tuple(notes))


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two arrays; infinite where one has a number and the other has none."""
    if ours.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(ours, theirs) else np.inf
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    equal = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        apart = np.where(equal, 0.0, np.abs(one - other))
    return float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))


def _alike(subject: Subject, ours: np.ndarray, theirs: np.ndarray) -> bool:
    half = any("16" in str(layer.compute_dtype) for layer in subject.built.layers.values())
    largest = LARGEST_HALF if half else LARGEST_DIFFERENCE
    finite = np.abs(ours[np.isfinite(ours)]) if ours.dtype.kind == "f" else np.zeros(0)
    return difference(ours, theirs) <= largest * max(1.0, float(finite.max(initial=0.0)))


def _run(command: list[str], path: str, check: Check) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        "KBUILDER_PROOF_PATH": path,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            said = _wait(process, check)
        finally:
            process.kill()
    if process.returncode:
        raise ProofError(_last_words(said))


def _wait(process: subprocess.Popen[str], check: Check) -> str:
    """What the process said when it has ended.

    Raises:
        ProofError: it takes too long.
        StopRequestedError: ``check`` says so.
    """
    ends = time.monotonic() + TIMEOUT_S
    while True:
        check()
        try:
            return process.communicate(timeout=PATIENCE_S)[1]
        except subprocess.TimeoutExpired:
            if time.monotonic() > ends:
                raise ProofError(f"it was not loaded within {TIMEOUT_S} seconds") from None


def _last_words(said: str) -> str:
    """The line with the error: the last one that starts like one, else the last of all."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.split(":")[0].endswith(("Error", "Exception"))]
    found = (errors or lines or ["it ended without a word"])[-1]
    return found.rstrip(".")[:500]


def _save(path: Path, arrays: Sequence[np.ndarray]) -> None:
    named = {str(number): values for number, values in enumerate(arrays)}
    np.savez(path, **named)  # type: ignore[arg-type]


def _loaded(path: Path) -> list[np.ndarray]:
    if not path.exists():
        return []
    with np.load(path) as file:
        return [file[str(number)] for number in range(len(file.files))]
