# SPDX-License-Identifier: MIT
"""The official suite passes: each script does what expected.json says, and no command fails.

The expected results are the suite's own. The tests are skipped if the suite is not there;
tests/spec/suite.py says how it is found.
"""

from __future__ import annotations

import pytest

from spec import features, table
from spec.script import Script
from spec.suite import ABSENT, Suite, locate


@pytest.fixture(scope="module")
def suite() -> Suite:
    path = locate()
    if path is None:
        pytest.skip(ABSENT)
    return Suite(path)


def test_the_table_has_every_script(suite: Suite) -> None:
    """expected.json has a row for each script of the suite, and no other rows."""
    assert sorted(table.read()) == suite.scripts()


def test_skips_are_for_features_that_are_not_run() -> None:
    reasons = {reason for row in table.read().values() for reason in row["skipped"]}
    assert reasons <= {feature.name for feature in features.NOT_RUN}


@pytest.mark.skipif(locate() is None, reason=ABSENT)
@pytest.mark.parametrize("name", table.read())
def test_script(suite: Suite, name: str) -> None:
    """No command of a script fails, and as many pass and are skipped as expected.json says."""
    report = Script(suite, name).run()
    assert not report.failures, "\n".join(map(str, report.failures[:20]))
    assert table.row(report) == table.read()[name]
