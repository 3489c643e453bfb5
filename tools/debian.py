# SPDX-License-Identifier: MIT
"""What aarch64.py and pypy.py share: Debian's packages in a folder, and calls of pip and pytest.

apt-get downloads packages, and what they need, into a folder of the checkout, with lists that are
that folder's own. That takes no root, and nothing is installed. Versions are not pinned, because a
mirror keeps no version for long; apt-get verifies the signatures of Debian.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "tools" / "constraints.txt"

# {0}: the folder of what apt-get keeps. dpkg's list of installed packages is empty there, so that
# apt-get downloads all that the packages need.
CONFIGURATION = """
APT::Architecture "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{0}/state";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache";
"""
# {0}: as above. Without this part, the packages come from the machine's own sources.
OWN_SOURCES = """
Dir::Etc::sourcelist "{0}/sources.list";
Dir::Etc::sourceparts "/dev/null";
"""


class AptError(Exception):
    """apt-get did not give what is needed. The text says why."""


def fill(
    system: Path,
    packages: Sequence[str],
    unpack: Callable[[Path, Path], None],
    architectures: Sequence[str] = ("amd64",),
    release: str | None = None,
) -> None:
    """Downloads packages and what they need into a folder, unless the folder is there.

    Args:
        system: The folder, which becomes complete in one step.
        packages: The names of the packages.
        unpack: Gets the path of an archive and the folder that it belongs to.
        architectures: Debian's names of the processors that the packages are for.
        release: The name of the release that has the packages, if it need not be this machine's.

    Raises:
        AptError: This is not a machine with apt-get and x86-64, or apt-get failed.
    """
    if system.exists():
        return
    if not shutil.which("apt-get") or platform.machine() != "x86_64":
        raise AptError("Debian's packages need apt-get, on an x86-64 machine")
    system.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=system.parent, prefix=f"{system.name}-") as folder:
        new, apt = Path(folder, "system"), Path(folder, "apt")
        configure(apt, architectures, release)
        for archive in download(apt, packages):
            unpack(archive, new)
        new.rename(system)


def configure(apt: Path, architectures: Sequence[str], release: str | None) -> None:
    """Makes the folder of what apt-get keeps, with the configuration apt.conf."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    names = " ".join(f'"{name}";' for name in architectures)
    text = CONFIGURATION.format(apt) + f"APT::Architectures {{ {names} }};\n"
    if release is not None:
        (apt / "sources.list").write_text(f"deb {mirror()} {release} main\n", encoding="utf-8")
        text += OWN_SOURCES.format(apt)
    (apt / "apt.conf").write_text(text, encoding="utf-8")


def mirror() -> str:
    """Returns the address from which this machine gets Debian's packages.

    Raises:
        AptError: It gets none.
    """
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for address in listed.stdout.split():
        if address.endswith("/debian/"):
            return address
    raise AptError("apt-get has no source of Debian's packages on this machine")


def download(apt: Path, packages: Sequence[str]) -> list[Path]:
    """Lets apt-get download packages and what they need, and returns the archives."""
    environment = os.environ | {"APT_CONFIG": str(apt / "apt.conf")}
    # A source that has nothing for a processor is not an error as long as another source has it.
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
    command = ["apt-get", "install", "-qq", "--yes", "--download-only", *packages]
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise AptError("apt-get did not download " + " ".join(packages))
    return sorted((apt / "cache" / "archives").glob("*.deb"))


def extract(archive: Path, folder: Path) -> None:
    """Unpacks all files of a package into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)


def pip(command: str, *arguments: str | Path, constraints: Path = CONSTRAINTS) -> list[str | Path]:
    """Returns the arguments of Python that let pip do something, without bytecode."""
    quiet = ["-q", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:"]
    return ["-m", "pip", command, *quiet, "-c", constraints, *arguments]


def run(command: Sequence[str | Path], folder: Path) -> None:
    """Runs a command in a folder."""
    subprocess.run(command, cwd=folder, check=True)


def exit_code(steps: Callable[[], None], errors: tuple[type[Exception], ...] = ()) -> int:
    """Runs steps; returns 0, or the exit code of the first one that fails.

    Args:
        steps: They raise AptError, CalledProcessError, or one of `errors`.
        errors: More errors whose text is to be shown.
    """
    try:
        steps()
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return error.returncode
    except (AptError, *errors) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def try_wheel(python: Path, wheel: Path, arguments: Sequence[str | Path]) -> None:
    """Checks a wheel, installs it for a Python, and lets that Python run tests.

    Args:
        python: The Python of an environment that has what the tests need.
        wheel: The wheel.
        arguments: Those of pytest: the tests, with absolute paths, and options.
    """
    run([sys.executable, ROOT / "tools" / "check_wheel.py", wheel], ROOT)
    run([python, *pip("install", "--no-deps", wheel)], ROOT)
    # The tests run in a folder without pywasm3/, so that they import the installed package.
    run([python, ROOT / "tests" / "smoke.py"], python.parent)
    options = ["-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    run([python, "-m", "pytest", *options, *arguments], python.parent)
