"""``python -m kbuilder`` is the ``kbuilder`` command."""

import sys

from kbuilder.cli import main

if __name__ == "__main__":
    sys.exit(main())
