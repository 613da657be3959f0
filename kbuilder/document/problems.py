"""A user's mistake as a value, never an exception."""

from __future__ import annotations

from typing import Literal

import msgspec

from kbuilder.document.fixes import Fix

Severity = Literal["error", "warning", "info"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong, where, and how to mend it.

    ``kind`` is the rule that found it, as ``merge-shapes``. ``node`` is the id of a node or empty for
    the whole project; ``parameter`` the name of the parameter, if one is to blame. ``text`` says what
    was expected, what was found and what to do; ``fixes`` do it, the best first.
    """

    severity: Severity
    text: str
    kind: str = ""
    node: str = ""
    parameter: str = ""
    fixes: tuple[Fix, ...] = ()
