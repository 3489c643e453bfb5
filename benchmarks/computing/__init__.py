# SPDX-License-Identifier: MIT
"""The parts of compute.py: its rows, the engines that run them, and the drawing of the result."""
