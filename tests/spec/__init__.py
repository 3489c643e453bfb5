# SPDX-License-Identifier: MIT
"""The official core test-suite, run through the public API.

suite      finds the scripts: a folder or a zip, named by WASM_SPEC_TESTSUITE
script     runs the commands of one script
  values   their arguments, and what they expect
  features what a module needs, and which of that is not run
  host     the module "spectest" that scripts import
table      what must hold per script: expected.json
run        the command line: counts per folder, --update for the table
"""
