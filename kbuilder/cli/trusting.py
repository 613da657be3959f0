"""``kbuilder trust``: read the own code of a project, and approve it for this user on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from kbuilder.document.approvals import approve, is_approved
from kbuilder.document.errors import KBuilderError
from kbuilder.document.project_file import load


def trust(path: Path, *, yes: bool) -> int:
    """Show the code, ask, and remember the answer; 1 if it was no.

    Raises:
        KBuilderError: nobody can be asked, or the answer cannot be remembered.
    """
    code = load(path).custom_code
    if not code.strip():
        sys.stderr.write(f"{path} has no own code.\n")
        return 0
    if is_approved(code):
        sys.stderr.write(f"The own code of {path} is trusted already.\n")
        return 0
    sys.stdout.write(code if code.endswith("\n") else code + "\n")
    if not yes:
        if not sys.stdin.isatty():
            raise KBuilderError("There is nobody to ask. Read the code, and give --yes.")
        sys.stderr.write("Let this code run on this machine? It can do what you can do. [y/N] ")
        if input().strip().lower() not in ("y", "yes"):
            return 1
    approve(code)
    sys.stderr.write(f"The own code of {path} is trusted from now on, until it is changed.\n")
    return 0
