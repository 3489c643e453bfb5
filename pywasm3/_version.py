# SPDX-License-Identifier: MIT
"""The version of the package, which nothing else repeats."""

__version__ = "0.1.0.dev0"
