"""Prints the Debian packages of the system libraries that Qt needs and that are not here.

Runs before anything is installed, so it uses the standard library only.
"""

import ctypes
import sys

PACKAGES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}


def is_missing(library: str) -> bool:
    """Whether the loader does not find the library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False


if __name__ == "__main__" and sys.platform.startswith("linux"):
    missing = [package for library, package in PACKAGES.items() if is_missing(library)]
    sys.stdout.write(" ".join(missing))
