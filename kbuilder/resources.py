"""Where the files of ``resources/`` are: beside the package in a checkout, inside it when installed."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "_resources"
_CHECKOUT = _PACKAGE.parent / "resources"

FOLDER = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def resource(*parts: str) -> Path:
    """Path of one bundled file or folder, for example ``resource("icons", "app.svg")``."""
    return FOLDER.joinpath(*parts)
