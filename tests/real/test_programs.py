# SPDX-License-Identifier: MIT
"""The real programs of `pywasm3 bench` have the size that is noted, and compute what they must.

npm downloads them, once; without npm, or if npm fails, the tests are skipped. What they must
compute is known from Python's own libraries, or from the rules of the program.
"""

from __future__ import annotations

import pytest

from npm_helpers import Package
from pywasm3.bench.guests import Guest
from pywasm3.bench.peers.ours import Pywasm3
from pywasm3.bench.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_its_job(name: str) -> None:
    program = PROGRAMS[name]
    Package(*program.package).archive()
    module = program.read()
    assert len(module) == program.size
    job = program.prepare(Pywasm3("").program(Guest(name, module), program.imports))
    for _ in range(3):
        assert job.result() == program.expected()
        job.work()
