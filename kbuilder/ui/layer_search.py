"""Finding a layer class or a block by a few letters of its name or of a name people use for it."""

from __future__ import annotations

from collections.abc import Iterable

from kbuilder.document.catalogue import Catalogue, ClassSpec

_BEHIND = 1.5
MIME_LAYER = "application/x-kbuilder-layer"
"""Mime type of a dragged layer class; the data is the class name as UTF-8."""

_COMMON_NAMES = {
    "BatchNormalization": ("bn",),
    "Dense": ("fc", "linear", "fully connected"),
    "Conv2D": ("cnn",),
    "MultiHeadAttention": ("mha",),
    "LayerNormalization": ("ln",),
    "Concatenate": ("cat", "join"),
    "Add": ("residual", "skip"),
}


def offered_layers(catalogue: Catalogue) -> tuple[ClassSpec, ...]:
    """The layer classes that people may add, in palette order."""
    return tuple(spec for spec in catalogue.listed("layers") if not spec.hidden)


def find_layers(specs: Iterable[ClassSpec], text: str) -> list[ClassSpec]:
    """Those that match the letters typed, best first; all of them, in order, without letters.

    Layers that begin like that come before an operation of that very name.
    """
    wanted = "".join(text.lower().split())
    ranked = [
        (rank + (_BEHIND if spec.is_operation else 0.0), spec)
        for spec in specs
        if (rank := _rank(spec, wanted)) is not None
    ]
    return [spec for _, spec in sorted(ranked, key=lambda pair: pair[0])]


def is_titled(title: str, text: str) -> bool:
    """Whether a title holds the letters typed, whatever stands between them: ``unet``, ``U-Net``."""
    return _letters(text) in _letters(title)


def begins(title: str, text: str) -> bool:
    """Whether a title begins with the letters typed, of which there are some."""
    return bool(_letters(text)) and _letters(title).startswith(_letters(text))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _rank(spec: ClassSpec, wanted: str) -> int | None:
    """How well a class matches, 0 for best; None for not at all."""
    full = spec.class_name.lower()
    name = full.removeprefix("ops.")
    others = [full, *(alias.lower() for alias in spec.aliases if not alias.startswith("keras."))]
    others += [known.replace(" ", "") for known in _COMMON_NAMES.get(spec.class_name, ())]
    if not wanted or name == wanted or wanted in others:
        return 0
    if name.startswith(wanted) or full.startswith(wanted):
        return 1
    if _capitals(spec.class_name).startswith(wanted):
        return 2
    if wanted in name:
        return 3
    if any(wanted in other for other in others):
        return 4
    return 5 if len(wanted) > 2 and _in_order(wanted, name) else None


def _capitals(name: str) -> str:
    return "".join(letter for letter in name if letter.isupper() or letter.isdigit()).lower()


def _in_order(wanted: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in wanted)
