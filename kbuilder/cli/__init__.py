"""The ``kbuilder`` command: one verb for each thing that can be done without the window.

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 a file is refused.
"""

from kbuilder.cli.main import main

__all__ = ["main"]
