"""Errors of Keras and TensorFlow in words for people."""

from __future__ import annotations

import re

from kbuilder.document.errors import KBuilderError

IN_GRAPH = re.compile(r"\n(?P<text>[^\n]+)\n\s*\[\[\{\{node (?P<path>\S+?)\}\}")
"""What a graph that fails while it runs says last: the cause, and the operation by its path."""

REMEDIES = (
    ("must be fully-defined", "Give every dimension in the shape of the Input a number."),
    ("incompatible shapes", "Let the branches end in equal shapes, or join them by Concatenate."),
    ("except for the concat", "Make the other dimensions equal, or choose another axis."),
    (
        "negative dimension|output size would be negative|would be (zero or )?negative",
        "The kernel is larger than what is left of its input: use padding “same”, a smaller kernel, "
        "or fewer strides and poolings in front of it.",
    ),
    (
        r"is not in \[0,",
        "Make the first dimension (input_dim) larger than every number in the data.",
    ),
    (
        "OOM|out of memory",
        "There is not enough memory for it: choose fewer units or smaller inputs.",
    ),
)
"""What to do about the errors that people meet most. Patterns of Keras 3.15 and TensorFlow 2.21."""


def plain_text(error: BaseException) -> str:
    """What an error of Keras or TensorFlow says, without call stacks, and how to mend it if known."""
    if isinstance(error, KBuilderError):
        return str(error)
    text = str(error) or type(error).__name__
    if at_node := IN_GRAPH.search(text):
        text = at_node["text"]
    # The reason why an inner layer cannot be made comes behind its whole configuration.
    for start in ("Exception encountered: ", "Error encountered:\n"):
        text = text.rpartition(start)[2].strip()
    text = text.split("Arguments received by")[0]
    text = re.sub(r"Exception encountered when calling .*?\.\s*\n+", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*|on /job:\S+.*|\x1b\[\d*m", "", text).strip()
    sentence = " ".join(text.split("\n\n")[0].split())
    if not sentence.endswith((".", "?", "!")):
        sentence += "."
    remedy = next((remedy for words, remedy in REMEDIES if re.search(words, sentence, re.I)), "")
    return f"{sentence} {remedy}".rstrip()
