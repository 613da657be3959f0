"""Texts for people out of Keras's docstrings."""

from __future__ import annotations

import inspect
import re

_ARGS_START = re.compile(r"^(\s*)(Args|Arguments):\s*$", re.MULTILINE)
_ARG = re.compile(r"^\*{0,2}(\w+)(?: \([^)]*\))?:\s?(.*)$")


def first_paragraph(of: object) -> str:
    """The first paragraph of a docstring as plain text."""
    return _plain_text((inspect.getdoc(of) or "").split("\n\n")[0])


def argument_texts(of: object) -> dict[str, str]:
    """Texts of the ``Args:`` section of a docstring, by parameter."""
    doc = inspect.getdoc(of) or ""
    start = _ARGS_START.search(doc)
    if not start:
        return {}
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    margin: int | None = None
    for line in doc[start.end() :].splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= len(start.group(1)):
            break
        margin = indent if margin is None and line.strip() else margin
        if indent == margin and (match := _ARG.match(line.strip())):
            current = texts.setdefault(match.group(1), [])
            line = match.group(2)
        current.append(line)
    return {name: _plain_text(" ".join(lines)) for name, lines in texts.items()}


def _plain_text(text: str) -> str:
    return " ".join(text.replace("`", "").split())
