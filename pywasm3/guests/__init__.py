# SPDX-License-Identifier: MIT
"""What guests of today's toolchains expect of their host, beyond WASI.

A compiler's module often comes with a program in JavaScript that gives it its imports. Each module
of this package is that program's counterpart in Python, for one toolchain.
"""
