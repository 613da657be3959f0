"""Text where numbers are needed, and numbers where text is."""

from __future__ import annotations

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.fixes import Fix
from kbuilder.document.graph import INPUT_CLASS
from kbuilder.document.problems import Problem
from kbuilder.engine.diagnosis.case import Case, Input

READS_TEXT = {"TextVectorization", "StringLookup"}
TAKES_BOTH = {
    *("Hashing", "HashedCrossing", "IntegerLookup", "Identity", "Flatten", "Reshape"),
    *("Permute", "RepeatVector", "Concatenate"),
}


def wrong_dtype(case: Case) -> Problem | None:
    """Text into a layer that computes, or numbers into one that reads text."""
    dtypes = {given.dtype for given in case.inputs}
    for given in case.inputs:
        if text_refused(case.spec, given.dtype, mixed=len(dtypes) > 1):
            return _text_given(case, given)
        if numbers_refused(case.spec, given.dtype, inverted=bool(case.value("invert"))):
            return _numbers_given(case, given)
    return None


def text_refused(spec: ClassSpec, dtype: str, *, mixed: bool) -> bool:
    """Whether a class cannot take that dtype because it is text, or text beside numbers."""
    return dtype == "string" and spec.class_name not in READS_TEXT | (
        set() if mixed else TAKES_BOTH
    )


def numbers_refused(spec: ClassSpec, dtype: str, *, inverted: bool) -> bool:
    """Whether a class reads text only and the dtype is not text."""
    return dtype != "string" and spec.class_name in READS_TEXT and not inverted


def _text_given(case: Case, given: Input) -> Problem:
    rows = case.value("input_dim") if case.node.class_name == "Embedding" else None
    bins = rows if isinstance(rows, int) else 1000
    numbers = "int32" if case.node.class_name == "Embedding" else "float32"
    return case.problem(
        "text-numbers",
        f"{case.title} computes with numbers, but “{case.name_of(given.source)}” gives text (dtype "
        "string). Turn the text into numbers first, or set the dtype of the Input.",
        [
            _input_dtype(case, given, numbers),
            case.insert("Insert Hashing", "Hashing", given.port, num_bins=bins),
        ],
    )


def _numbers_given(case: Case, given: Input) -> Problem:
    return case.problem(
        "numbers-text",
        f"{case.title} reads text, but “{case.name_of(given.source)}” gives numbers (dtype "
        f"{given.dtype}). Set the dtype of the Input to string.",
        [_input_dtype(case, given, "string")],
    )


def _input_dtype(case: Case, given: Input, dtype: str) -> Fix | None:
    source = case.wiring.graph.by_id[given.source]
    if source.class_name != INPUT_CLASS:
        return None
    return case.set_on(source.id, f"Set dtype of {source.name} to {dtype}", dtype=dtype)
