# SPDX-License-Identifier: MIT
"""``python -m pywasm3``: the command line."""

import sys

from .cli import main

sys.exit(main())
