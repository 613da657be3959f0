"""``kbuilder import WEIGHTS --into PROJECT``: weights of a file for the layers of a project."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from kbuilder.cli.engine import handle
from kbuilder.document.errors import KBuilderError
from kbuilder.document.project_file import load
from kbuilder.link.events import LayerMatch, WeightsLoaded, WeightsMatched
from kbuilder.link.messages import Event
from kbuilder.link.requests import LoadWeights, MatchWeights


def import_weights(weights: Path, project: Path, by: str, pairs: Sequence[str]) -> int:
    """Match layers, tell the table, and keep the weights as a run beside the project.

    ``pairs`` are ``LAYER=SOURCE``, which win over what is matched; an empty source leaves a layer fresh.

    Raises:
        KBuilderError: a pair is none, or nothing fits.
    """
    opened = load(project)
    chosen = _pairs(pairs)
    heard: list[Event] = []
    path = str(weights.absolute())
    handle(MatchWeights(request=1, project=opened, path=path, by=by), heard.append)
    found = next(event for event in heard if isinstance(event, WeightsMatched))
    mapping = {match.layer: match.source for match in found.matches if match.fits} | chosen
    mapping = {layer: source for layer, source in mapping.items() if source}
    _tell(found.matches, found.sources, mapping)
    if not mapping:
        raise KBuilderError(
            f"No layer of “{project.name}” takes weights from “{weights.name}”. Give pairs by --map, or "
            "another file."
        )
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    run = project.absolute().with_suffix(".runs") / f"weights_{stamp}"
    request = LoadWeights(request=2, project=opened, path=path, run=str(run), mapping=mapping)
    handle(request, heard.append)
    loaded = next(event for event in heard if isinstance(event, WeightsLoaded))
    sys.stderr.write(
        f"{len(loaded.loaded)} layers have weights from {weights.name}, {len(loaded.left)} are fresh; "
        f"the weights lie in {run}\n"
    )
    return 0


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        layer, sign, source = text.partition("=")
        if not sign or not layer:
            raise KBuilderError(
                f"“{text}” is no pair of layers; write it as LAYER=SOURCE, the layer of the project first."
            )
        pairs[layer] = source
    return pairs


def _tell(
    matches: Sequence[LayerMatch],
    sources: Mapping[str, tuple[tuple[int, ...], ...]],
    mapping: Mapping[str, str],
) -> None:
    for match in matches:
        source = mapping.get(match.layer, "")
        state = f"<- {source}" if source else "fresh"
        sys.stderr.write(f"  {match.layer} {_shown(match.shapes)} {state}\n")
    unused = [name for name in sources if name not in mapping.values()]
    if unused:
        sys.stderr.write(f"  not used: {', '.join(f'{n} {_shown(sources[n])}' for n in unused)}\n")


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) or "1" for shape in shapes)
