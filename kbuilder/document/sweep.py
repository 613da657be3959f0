"""What a sweep tries: options with the values each may take, and what to look for."""

from __future__ import annotations

from typing import Any

from kbuilder.document.values import Value


class SweepParam(Value, frozen=True, kw_only=True):
    """One option that differs between the trials.

    ``name`` is ``"fit.NAME"``, ``"compile.NAME"``, ``"optimizer.NAME"`` or ``"NODE.NAME"`` with the id
    of a node. Either ``values`` lists what to try, or numbers from ``low`` to ``high`` (inclusive) are
    tried: ``whole`` ones only, evenly in their logarithm with ``log``. A grid takes ``steps`` of them.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    steps: int = 3


class SweepOptions(Value, frozen=True, kw_only=True):
    """How to search. ``method`` is ``"grid"``, ``"random"`` or ``"bayesian"``.

    ``objective`` is a name of the history, best where ``direction`` (``"min"`` or ``"max"``) says.
    With ``prune``, trials that are worse than the median of the others are given up early.
    """

    params: tuple[SweepParam, ...] = ()
    method: str = "bayesian"
    trials: int = 20
    objective: str = "val_loss"
    direction: str = "min"
    prune: bool = True
    seed: int = 0
