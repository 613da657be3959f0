"""Which own code this user has approved on this machine. Approval is for a text, never for a file.

The folder of the user's settings keeps a secret and, for each approved text, its HMAC: a project that
comes from elsewhere cannot bring its approval along.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from kbuilder.document.atomic import write_bytes

SECRET_BYTES = 32
MOST_APPROVED = 1000


def is_approved(code: str) -> bool:
    """Whether this text may be run. A text without code always may."""
    if not code.strip():
        return True
    mark = _mark(code)
    return any(hmac.compare_digest(mark, known) for known in _known())


def approve(code: str) -> None:
    """Remember that this user lets this very text run on this machine.

    Raises:
        SaveError: it cannot be remembered.
    """
    if not is_approved(code):
        marks = [*_known(), _mark(code)][-MOST_APPROVED:]
        write_bytes(_folder() / "approved-code.json", json.dumps(marks).encode())


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    folder = Path(base, "kbuilder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _known() -> list[str]:
    try:
        marks = json.loads((_folder() / "approved-code.json").read_bytes())
    except (OSError, ValueError):
        return []
    return [mark for mark in marks if isinstance(mark, str)] if isinstance(marks, list) else []


def _mark(code: str) -> str:
    return hmac.new(_secret(), code.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """The user's secret, made at first use. Of two programs that make it at once, one wins."""
    path = _folder() / "approval-secret"
    if not path.exists():
        made = path.with_name(f"approval-secret-{os.getpid()}")
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(SECRET_BYTES))
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_bytes()
