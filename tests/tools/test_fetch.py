# SPDX-License-Identifier: MIT
"""vendor/wasm3/fetch.py verifies wasm3's sources, and setup.py asks it to do so before each build.

The tests work on a copy of vendor/wasm3 whose source/ has the files that this checkout was built
with. Hashes are computed by hashlib here, and sdists are made by tarfile.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from helpers import TESTS, import_file

ROOT = TESTS.parent
VENDOR = ROOT / "vendor" / "wasm3"


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """A copy of vendor/wasm3 in a folder of the same name, with its sources."""
    copy = tmp_path / "vendor" / "wasm3"
    shutil.copytree(VENDOR, copy, ignore=shutil.ignore_patterns("__pycache__", ".fetch-*"))
    return copy


def load(vendor: Path) -> ModuleType:
    """Imports the fetch.py of the folder."""
    return import_file(vendor / "fetch.py")


def refusal(vendor: Path) -> str:
    """Returns what ensure() says about the folder, which it must refuse."""
    fetch = load(vendor)
    with pytest.raises(fetch.FetchError) as raised:
        fetch.ensure()
    return str(raised.value)


def sdist_of(vendor: Path, files: dict[str, bytes]) -> Path:
    """Writes an sdist with these files, and pins it in the folder's requirements.txt."""
    sdist = vendor.parent / "made.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"pywasm3-0.5.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    pin = vendor / "requirements.txt"
    pin.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{digest}", pin.read_text()))
    return sdist


def pinned_files() -> dict[str, bytes]:
    """Returns the contents of this checkout's sources, by their paths in the sdist."""
    names = [line.split()[1] for line in (VENDOR / "manifest.txt").read_text().splitlines()]
    paths = {name: name if name == "LICENSE" else f"wasm3/{name}" for name in names}
    return {paths[name]: (VENDOR / "source" / name).read_bytes() for name in names}


def test_the_sources_of_this_checkout_are_accepted(vendor: Path) -> None:
    load(vendor).ensure()


def test_the_manifest_has_the_hash_of_each_file(vendor: Path) -> None:
    rows = (vendor / "manifest.txt").read_text().splitlines()
    files = sorted(set(os.listdir(vendor / "source")) - {"sdist.sha256"})
    assert rows == [
        f"{hashlib.sha256((vendor / 'source' / name).read_bytes()).hexdigest()}  {name}"
        for name in files
    ]


@pytest.mark.parametrize("name", ["LICENSE", "m3_bind.c", "m3_exec.h", "wasm3_defs.h"])
def test_a_changed_file_is_refused(vendor: Path, name: str) -> None:
    file = vendor / "source" / name
    file.write_bytes(file.read_bytes() + b"\n")
    message = refusal(vendor)
    assert f"{file} was changed" in message
    assert "run 'python vendor/wasm3/fetch.py --again'" in message


def test_a_missing_file_is_refused(vendor: Path) -> None:
    file = vendor / "source" / "m3_core.h"
    file.unlink()
    assert f"{file} is missing" in refusal(vendor)


@pytest.mark.parametrize("name", ["math.h", "m3_extra.c", ".hidden", "sys/cdefs.h"])
def test_an_additional_file_is_refused(vendor: Path, name: str) -> None:
    file = vendor / "source" / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    first = vendor / "source" / Path(name).parts[0]
    assert f"{first} is not part of wasm3's sources" in refusal(vendor)


@pytest.mark.parametrize("name", ["m3_core.h", "sdist.sha256"])
def test_a_symbolic_link_in_the_folder_is_refused(vendor: Path, name: str) -> None:
    """The link names a file with the right content, which could change later."""
    file = vendor / "source" / name
    file.touch()  # Sources that were put there by hand have no stamp.
    file.rename(vendor.parent / name)
    file.symlink_to(vendor.parent / name)
    assert f"{file} is not a regular file" in refusal(vendor)


def test_a_folder_in_place_of_a_file_is_refused(vendor: Path) -> None:
    file = vendor / "source" / "m3_core.h"
    file.unlink()
    file.mkdir()
    assert f"{file} is not a regular file" in refusal(vendor)


def test_a_file_in_place_of_the_folder_is_refused(vendor: Path) -> None:
    shutil.rmtree(vendor / "source")
    (vendor / "source").touch()
    assert f"{vendor / 'source'} cannot be read (Not a directory)" in refusal(vendor)


def test_the_folder_may_be_a_symbolic_link_to_verified_files(vendor: Path) -> None:
    """Several checkouts may share one folder, whose files are verified for each of them."""
    shared = vendor.parent / "shared"
    (vendor / "source").rename(shared)
    (vendor / "source").symlink_to(shared)
    load(vendor).ensure()
    (shared / "m3_core.c").write_text("int changed;\n")
    assert f"{vendor / 'source' / 'm3_core.c'} was changed" in refusal(vendor)


def test_a_link_that_names_nothing_is_refused(vendor: Path) -> None:
    shutil.rmtree(vendor / "source")
    (vendor / "source").symlink_to(vendor.parent / "nothing")
    assert f"{vendor / 'source'} cannot be read" in refusal(vendor)


@pytest.mark.parametrize("content", ["", "m3_core.h\n", f"{'0' * 64}  ../m3_core.h\n"])
def test_a_damaged_manifest_is_refused(vendor: Path, content: str) -> None:
    manifest = vendor / "manifest.txt"
    manifest.write_text(content)
    assert f"restore it with 'git checkout {manifest}'" in refusal(vendor)


def test_sources_without_the_stamp_of_an_sdist_are_accepted(vendor: Path) -> None:
    (vendor / "source" / "sdist.sha256").unlink(missing_ok=True)
    load(vendor).ensure()


def test_sources_of_another_sdist_are_fetched_again(
    vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vendor / "source" / "sdist.sha256").write_text("0" * 64)
    (vendor / "source" / "m3_core.c").write_text("int older;\n")
    fetch = load(vendor)
    sdist = sdist_of(vendor, pinned_files())
    monkeypatch.setattr(fetch, "_download", lambda folder: sdist)
    fetch.ensure()
    assert fetch.complaint(vendor / "source") is None


def test_fetching_again_replaces_changed_sources(
    vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vendor / "source" / "m3_core.c").write_text("int changed;\n")
    (vendor / "source" / "math.h").touch()
    fetch = load(vendor)
    sdist = sdist_of(vendor, pinned_files())
    monkeypatch.setattr(fetch, "_download", lambda folder: sdist)
    fetch.main(["--again"])
    fetch.ensure()


def test_fetching_again_replaces_a_link_and_leaves_what_it_names(vendor: Path) -> None:
    shared = vendor.parent / "shared"
    (vendor / "source").rename(shared)
    (vendor / "source").symlink_to(shared)
    (shared / "m3_core.c").write_text("int changed;\n")
    load(vendor).unpack(sdist_of(vendor, pinned_files()))
    assert not (vendor / "source").is_symlink()
    assert (shared / "m3_core.c").read_text() == "int changed;\n"


def test_only_the_licence_and_wasm3s_c_files_are_unpacked(vendor: Path) -> None:
    others = {"setup.py": b"", "m3module.c": b"", "wasm3/notes.txt": b"", "wasm3/x/y.h": b""}
    load(vendor).unpack(sdist_of(vendor, {**pinned_files(), **others}))
    load(vendor).ensure()


def test_an_sdist_that_is_not_pinned_is_refused(vendor: Path) -> None:
    sdist = sdist_of(vendor, pinned_files())
    sdist.write_bytes(sdist.read_bytes() + b"\0")
    fetch = load(vendor)
    with pytest.raises(fetch.FetchError, match="not those pinned"):
        fetch.unpack(sdist)


def test_a_pinned_sdist_that_differs_from_the_manifest_is_refused(vendor: Path) -> None:
    """Somebody who moves the pin also has to write the manifest; source/ stays as it was."""
    fetch = load(vendor)
    sdist = sdist_of(vendor, {**pinned_files(), "wasm3/m3_new.c": b"int added;\n"})
    with pytest.raises(fetch.FetchError, match=r"fetch\.py --manifest"):
        fetch.unpack(sdist)
    assert fetch.complaint(vendor / "source") is None


def test_the_manifest_can_be_written_from_the_pinned_sdist(vendor: Path) -> None:
    committed = (vendor / "manifest.txt").read_bytes()
    (vendor / "manifest.txt").unlink()
    load(vendor).main(["--manifest", str(sdist_of(vendor, pinned_files()))])
    assert (vendor / "manifest.txt").read_bytes() == committed


def test_a_build_refuses_a_changed_file(vendor: Path) -> None:
    root = vendor.parents[1]
    for name in ("setup.py", "build_ffi.py", "tools/pages.py", "tools/toolchain.py"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (vendor / "source" / "m3_core.c").write_text("int changed;\n")
    command = [sys.executable, "setup.py", "--name"]
    build = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert build.returncode == 1
    assert re.fullmatch(r".*m3_core\.c was changed.*\n", build.stderr)
