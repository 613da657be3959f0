"""Verbs that open the window, and what to say when there is no display or a library is missing."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from pathlib import Path

from kbuilder.document.errors import KBuilderError

DEMO = "digits-cnn"
PACKAGES = (
    "libglib2.0-0 libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 "
    "libxcb-image0 libxcb-render-util0 libxcb-shape0 libdbus-1-3 libfontconfig1"
)
"""The same that packaging/missing_libraries.py looks for; a test holds them equal."""


def open_window(path: Path | None = None, sample: str = "") -> int:
    """Open the window.

    Raises:
        KBuilderError: there is no display, or a library is missing.
    """
    if not has_display():
        raise KBuilderError(
            "There is no display. Start kbuilder in a desktop session, or use a verb that needs "
            "none: kbuilder demo --headless, kbuilder train PROJECT."
        )
    check_libraries()
    from kbuilder.app import run_window

    return run_window(path, sample)


def demo(*, headless: bool, out: Path) -> int:
    """The bundled project: in the window where there is a display, else offscreen into ``out``."""
    if not headless and has_display():
        return open_window(sample=DEMO)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    check_libraries()
    from kbuilder.app import run_demo

    return run_demo(DEMO, out)


def has_display() -> bool:
    """Whether a window could be seen, or is asked for offscreen."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def check_libraries() -> None:
    """Try the system libraries that Qt would abort without.

    Raises:
        KBuilderError: one is missing; the text names it and the packages to install.
    """
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        raise KBuilderError("PySide6 is not installed. Run “make setup”.")
    folder = Path(next(iter(spec.submodule_search_locations)))
    try:
        from PySide6 import QtWidgets  # noqa: F401 - loading is the test

        if os.environ.get("DISPLAY") and "QT_QPA_PLATFORM" not in os.environ:
            ctypes.CDLL(str(folder / "Qt" / "plugins" / "platforms" / "libqxcb.so"))
    except (ImportError, OSError) as error:
        found = re.search(r"lib[\w.+-]+\.so[.\d]*", str(error))
        library = found.group() if found else str(error)
        raise KBuilderError(
            f"The window needs the system library {library}, which is missing. On Debian or "
            f"Ubuntu: sudo apt-get install {PACKAGES}"
        ) from error
