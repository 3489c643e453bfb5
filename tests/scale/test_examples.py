# SPDX-License-Identifier: MIT
"""The programs in examples/scale give what plain Python gives; docs/scale.md shows what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy
import pytest

from helpers import TESTS, import_file
from page_helpers import failures_of_examples

EXAMPLES = TESTS.parent / "examples" / "scale"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, encoding="utf-8", timeout=120
    ).stdout


def test_words_are_counted_over_all_files(tmp_path: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(TESTS.parent.glob("*.md"))]
    files = [tmp_path / f"{number}.txt" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    words = Counter(re.findall("[a-z\x80-\U0010ffff]+", " ".join(texts).lower()))
    (common, number), *_ = words.most_common(1)
    assert run("words.py", "--top", "1", *map(str, files)).split() == [f"{number:,}", common]


def test_scores_are_those_of_numpy() -> None:
    score = import_file(EXAMPLES / "score.py")
    found = score.scored(score.loans(1000)).compute()
    payment = (found.income - found.costs) / 2
    grows = ~(payment > found.loan * found.rate)
    numpy.testing.assert_array_equal(found.score == 1, grows)


def test_scoring_prints_a_summary() -> None:
    assert run("score.py", "--rows", "1000").startswith("1,000 loans: mean score 0.")


def test_the_examples_of_the_page_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTS.parent)
    assert failures_of_examples(TESTS.parent / "docs" / "scale.md") == ""
