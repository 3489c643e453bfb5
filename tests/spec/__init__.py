# SPDX-License-Identifier: MIT
"""Runs the official core test-suite through the public API.

The suite consists of scripts, whose commands load modules, call functions and say what must
happen. These files run them:

suite       finds the suite, and reads its files (python tests/spec/suite.py prints the path)
script      runs the commands of one script
values      arguments and expected results of commands
host        the host module "spectest", which scripts import
table       reads and writes expected.json: what must pass and what is skipped, for each script
run         the command line: prints counts per folder, and updates expected.json
test_spec   asserts that each script does what expected.json says
test_runner tests these files with scripts of its own
"""
