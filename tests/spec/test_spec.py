# SPDX-License-Identifier: MIT
"""The official suite passes: each script does what expected.json says, and no command fails.

The expected results are the suite's own. The tests are skipped if the suite is not there;
tests/spec/suite.py says how it is found.
"""

from __future__ import annotations

import pytest

from spec import table
from spec.script import TEXT, Script
from spec.suite import ABSENT, BESIDE_IT, NO_PROPOSALS, Suite, locate, scripts


@pytest.fixture(scope="module")
def found() -> dict[str, Suite]:
    path = locate()
    if path is None:
        pytest.skip(ABSENT)
    return scripts(path)


def test_the_table_has_every_script(found: dict[str, Suite]) -> None:
    """expected.json has a row for each script that is there, and no other rows."""
    proposals = any(name.startswith(BESIDE_IT) for name in found)
    rows = [name for name in table.read() if proposals or not name.startswith(BESIDE_IT)]
    assert sorted(rows) == sorted(found)


def test_only_modules_in_the_text_format_are_skipped() -> None:
    assert {reason for row in table.read().values() for reason in row["skipped"]} == {TEXT}


@pytest.mark.skipif(locate() is None, reason=ABSENT)
@pytest.mark.parametrize("name", table.read())
def test_script(found: dict[str, Suite], name: str) -> None:
    """No command of a script fails, and as many pass and are skipped as expected.json says."""
    if name.startswith(BESIDE_IT) and name not in found:
        pytest.skip(NO_PROPOSALS)
    report = Script(found[name], name).run()
    assert not report.failures, "\n".join(map(str, report.failures[:20]))
    assert table.row(report) == table.read()[name]
