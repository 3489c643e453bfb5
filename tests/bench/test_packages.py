# SPDX-License-Identifier: MIT
"""A package is downloaded once, by npm, and only the one that was pinned is used.

The npm of these tests is a shell script that copies an archive, and notes what it was asked for.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from pywasm3.bench import packages
from pywasm3.bench.packages import Package, Unavailable

FILES = {"package/a.wasm": b"\0asm", "package/lib/b.js": b"text"}
NAME, VERSION, ARCHIVE = "@owner/thing", "1.2.3", "owner-thing-1.2.3.tgz"


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        for name, contents in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            opened.addfile(member, io.BytesIO(contents))
    return out.getvalue()


CONTENTS = archive()
PINNED = Package(NAME, VERSION, hashlib.sha256(CONTENTS).hexdigest())
OTHER = PINNED._replace(sha256="0" * 64)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(packages.VARIABLE, str(folder))
    return folder


@pytest.fixture
def asked(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the script, and returns the file in which it notes its arguments."""
    (tmp_path / "there.tgz").write_bytes(CONTENTS)
    npm, note = tmp_path / "bin" / "npm", tmp_path / "asked"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\necho "$@" >>{note}\ncp {tmp_path}/there.tgz {ARCHIVE}\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    return note


def test_a_package_is_downloaded_once(asked: Path, cache: Path) -> None:
    assert PINNED.read("package/a.wasm") == b"\0asm"
    assert PINNED.read("package/lib/b.js") == b"text"
    assert asked.read_text() == f"pack --silent --fetch-retries=1 {NAME}@{VERSION}\n"
    assert [path.name for path in cache.iterdir()] == [ARCHIVE]


def test_all_files_can_be_written(asked: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    PINNED.unpack(target)
    written = {f"package/{p.relative_to(target)}": p.read_bytes() for p in target.rglob("*.*")}
    assert written == FILES


def test_files_that_another_process_has_written_are_kept(asked: Path, tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"
    PINNED.unpack(target)
    (target / "a.wasm").write_bytes(b"of the other process")
    PINNED.unpack(target)
    assert (target / "a.wasm").read_bytes() == b"of the other process"
    assert list(target.parent.iterdir()) == [target]


def test_a_download_that_is_not_the_pinned_one_is_not_kept(asked: Path, cache: Path) -> None:
    with pytest.raises(ValueError, match=f"{NAME} {VERSION} has the SHA-256 .* it is not used"):
        OTHER.archive()
    assert list(cache.iterdir()) == []


def test_a_file_in_the_folder_that_is_not_the_pinned_one_is_not_used(cache: Path) -> None:
    cache.mkdir()
    (cache / ARCHIVE).write_bytes(CONTENTS)
    with pytest.raises(ValueError, match=f"remove .*{ARCHIVE}, and it is downloaded again"):
        OTHER.read("package/a.wasm")


def test_a_file_that_is_not_in_the_package_is_an_error(asked: Path) -> None:
    with pytest.raises(KeyError):
        PINNED.read("package/missing")


def test_without_npm_the_reason_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=f"npm is not installed, which downloads {NAME}"):
        PINNED.archive()


def test_if_npm_fails_the_reason_has_its_words(
    asked: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = asked.parent / "bin" / "npm"
    npm.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    with pytest.raises(Unavailable, match=f"npm did not download {NAME}: no network"):
        PINNED.archive()
    npm.write_text("#!/bin/sh\n")
    with pytest.raises(Unavailable, match="it gave no reason"):
        PINNED.archive()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "named", "expected"),
    [
        ("linux", {}, "/home/.cache"),
        ("linux", {"XDG_CACHE_HOME": "/cache"}, "/cache"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/.cache"),
        ("darwin", {"XDG_CACHE_HOME": "/cache"}, "/home/Library/Caches"),
        ("win32", {}, "/home/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
    ],
)
def test_the_folder_is_where_the_platform_wants_it(
    platform: str, named: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are those of XDG's specification, and of the systems' own documentation."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", packages.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(packages.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home"))
    assert packages.folder() == Path(expected) / "pywasm3" / "npm"
