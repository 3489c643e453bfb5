# SPDX-License-Identifier: MIT
"""``python -m pywasm3.bench``."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
