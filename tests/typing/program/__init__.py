# SPDX-License-Identifier: MIT
"""A user's program: it must pass mypy --strict and pyright's strict mode, and run.

The modules use the public API as a program that embeds plug-ins would. `assert_type` states what a
type checker must infer, so that `make types` fails when a type becomes less precise. The test
beside this folder runs the program, because annotations must also be true at run time.
"""
