# SPDX-License-Identifier: MIT
"""Three fuzzers. README.md in this folder says which file does what, and how to run them."""
