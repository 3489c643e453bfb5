# SPDX-License-Identifier: MIT
"""tools/debian.py says what it needs, and leaves no half of a system.

That apt-get gives what it is asked for is what "make test-aarch64" and "make test-pypy" show.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

debian: Any = import_file(TESTS.parent / "tools" / "debian.py")


@pytest.fixture
def on_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this machine look like one that has apt-get."""
    monkeypatch.setattr(debian.shutil, "which", lambda name: name)
    monkeypatch.setattr(debian.platform, "machine", lambda: "x86_64")


def listing(text: str) -> Any:
    """A subprocess.run that prints a text."""
    return lambda command, **_: subprocess.CompletedProcess(command, 0, stdout=text)


def test_without_apt_get_it_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.AptError, match="need apt-get, on an x86-64 machine"):
        debian.fill(tmp_path / "system", ["pypy3"], debian.extract)


@pytest.mark.usefixtures("on_debian")
def test_a_download_that_fails_leaves_no_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that is there counts as complete."""

    def fail(*_: object) -> None:
        raise debian.AptError("no network")

    monkeypatch.setattr(debian, "download", fail)
    with pytest.raises(debian.AptError, match="no network"):
        debian.fill(tmp_path / "system", ["pypy3"], debian.extract)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_release_comes_from_the_mirror_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = "http://other.example/\nhttp://mirror.example/debian/\n"
    monkeypatch.setattr(debian.subprocess, "run", listing(sources))
    debian.configure(tmp_path / "apt", ["amd64", "arm64"], "trixie")
    written = (tmp_path / "apt" / "sources.list").read_text(encoding="utf-8")
    assert written == "deb http://mirror.example/debian/ trixie main\n"
    settings = (tmp_path / "apt" / "apt.conf").read_text(encoding="utf-8")
    assert 'APT::Architectures { "amd64"; "arm64"; };' in settings
    assert f'Dir::Etc::sourcelist "{tmp_path}/apt/sources.list";' in settings


def test_a_machine_of_another_distribution_has_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.subprocess, "run", listing("http://mirror.example/ubuntu/\n"))
    with pytest.raises(debian.AptError, match="no source of Debian's packages"):
        debian.mirror()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (subprocess.CalledProcessError(3, "pytest"), 3),
        (debian.AptError("no network"), 1),
        (LookupError("nothing"), 1),
    ],
)
def test_the_exit_code_is_that_of_the_step_that_fails(
    error: Exception | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def steps() -> None:
        if error is not None:
            raise error

    assert debian.exit_code(steps, errors=(LookupError,)) == code
    assert capsys.readouterr().err == (f"{error}\n" if error else "")
