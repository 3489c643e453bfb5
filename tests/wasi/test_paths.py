# SPDX-License-Identifier: MIT
"""Paths mean the same on each kind of directory, and never lead out of it.

Hypothesis draws operations on paths. They are performed on each kind of directory and on a model of
a file system in Python, which says which operations succeed and what is there afterwards; the kinds
of directories must also agree on the errors. The paths are made of few names, so that operations
meet; many paths lead out, directly or through links.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pywasm3.wasi import VirtualDir
from wasi_helpers import BACKENDS, Calls, directory, resolving

NAMES = ("a", "b", "c")
part = st.sampled_from((*NAMES, *NAMES, "..", ".", ""))
path = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(part, min_size=1, max_size=5),
    st.sampled_from(("", "", "", "/", "/.")),
)
operation = st.one_of(
    st.tuples(st.sampled_from(("make", "mkdir", "rmdir", "unlink", "read", "type", "look")), path),
    st.tuples(st.sampled_from(("rename", "symlink", "link")), path, path),
)


class Refused(Exception):
    """Raised by the model if an operation fails; it does not say with which errno."""


class Model:
    """A file system of nested dicts; a file is a list with its bytes, a link is a str."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}

    def find(self, text: str, follow: bool, links: int = 40) -> tuple[list[Any], str, Any]:
        """Resolves a path.

        Returns the directories on the way, the last name, and the node that has it, or None. The
        name is "." if the path leads to the last of the directories itself.
        """
        if not text or text.startswith("/"):
            raise Refused
        way: list[Any] = [self.root]
        parts = text.split("/")
        while len(parts) > 1 and parts[-1] == "":
            parts.pop()
            follow = True
        while parts:
            name = parts.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                if len(way) == 1:
                    raise Refused
                way.pop()
                continue
            node = way[-1].get(name)
            if isinstance(node, str) and (parts or follow):
                links -= 1
                if links < 0 or node.startswith("/"):
                    raise Refused
                parts = node.split("/") + parts
                if text.endswith("/"):
                    follow = True
            elif not parts:
                return way, name, node
            elif isinstance(node, dict):
                way.append(node)
            else:
                raise Refused
        return way, ".", way[-1]

    def new(self, text: str, slash: bool = False) -> tuple[Any, str]:
        """Returns the directory and the name for something new; the path must not exist yet."""
        if text.endswith("/") and not slash:
            raise Refused
        way, name, node = self.find(text.rstrip("/") or text, False)
        if node is not None:
            raise Refused
        return way[-1], name

    def existing(self, text: str, follow: bool) -> tuple[list[Any], str, Any]:
        found = self.find(text, follow)
        wants_directory = text.endswith("/")
        if found[2] is None or (wants_directory and not isinstance(found[2], dict)):
            raise Refused
        return found

    def make(self, text: str, data: bytes) -> None:
        if text.endswith("/"):
            raise Refused
        way, name, node = self.find(text, True)
        # A link whose target ends in a slash cannot stand for a file either.
        if node is None and not self.ends_in_slash(text):
            way[-1][name] = [data]
        elif isinstance(node, list):
            if self.ends_in_slash(text):
                raise Refused
            node[0] = data
        else:
            raise Refused

    def ends_in_slash(self, text: str, links: int = 40) -> bool:
        """Tells whether a slash follows the last name, in the path or in a link that it names."""
        if text.endswith(("/", "/.")):
            return True
        way, _, node = self.find(text, False)
        if not isinstance(node, str) or links == 0:
            return False
        inner = Model()
        inner.root = self.root
        base = self.name_of(way)
        return inner.ends_in_slash(f"{base}{node}", links - 1)

    def name_of(self, way: list[Any]) -> str:
        names = []
        for above, below in itertools.pairwise(way):
            names.append(next(name for name, node in above.items() if node is below))
        return "".join(f"{name}/" for name in names)

    def read(self, text: str) -> bytes:
        node = self.existing(text, True)[2]
        if not isinstance(node, list) or self.ends_in_slash(text):
            raise Refused
        return bytes(node[0])

    def type(self, text: str) -> int:
        return self.kind(self.existing(text, False)[2])

    def look(self, text: str) -> int:
        node = self.existing(text, True)[2]
        if self.ends_in_slash(text) and not isinstance(node, dict):
            raise Refused
        return self.kind(node)

    def kind(self, node: Any) -> int:
        return 3 if isinstance(node, dict) else 7 if isinstance(node, str) else 4

    def mkdir(self, text: str) -> None:
        folder, name = self.new(text, slash=True)
        folder[name] = {}

    def rmdir(self, text: str) -> None:
        way, name, node = self.existing(text.rstrip("/") or text, False)
        if name == "." or node != {} or not isinstance(node, dict):
            raise Refused
        del way[-1][name]

    def unlink(self, text: str) -> None:
        way, name, node = self.existing(text, False)
        if isinstance(node, dict):
            raise Refused
        del way[-1][name]

    def symlink(self, target: str, text: str) -> None:
        if not target or target.startswith("/"):
            raise Refused
        folder, name = self.new(text)
        folder[name] = target

    def link(self, text: str, to: str) -> None:
        node = self.existing(text, False)[2]
        folder, name = self.new(to)
        if isinstance(node, dict):
            raise Refused
        folder[name] = node

    def rename(self, text: str, to: str) -> None:
        way, name, node = self.existing(text.rstrip("/") or text, False)
        to_way, to_name, old = self.find(to.rstrip("/") or to, False)
        folder, into = way[-1], to_way[-1]
        if name == "." or to_name == ".":
            raise Refused
        if not isinstance(node, dict) and "/" in (text[-1], to[-1]):
            raise Refused
        if old is node and (not isinstance(node, str) or (folder is into and name == to_name)):
            return
        if isinstance(node, dict):
            if any(node is above for above in to_way) or (old is not None and old != {}):
                raise Refused
        elif isinstance(old, dict):
            raise Refused
        del folder[name]
        into[to_name] = node


def perform(calls: Calls, number: int, name: str, *paths: str) -> Any:
    """Performs an operation; returns "OK", the name of an error, or what was read."""
    if name == "make":
        return calls.make(paths[0], b"%d" % number)
    if name == "read":
        return calls.content(paths[0])
    if name in ("type", "look"):
        return calls.type_of(paths[0], int(name == "look"))
    if name == "symlink":
        return calls.path_symlink(paths[0], 3, paths[1])
    if name in ("rename", "link"):
        flags = (0,) if name == "link" else ()
        return getattr(calls, f"path_{name}")(3, *flags, paths[0], 3, paths[1])
    functions = {"mkdir": "create_directory", "rmdir": "remove_directory", "unlink": "unlink_file"}
    return getattr(calls, f"path_{functions[name]}")(3, paths[0])


def in_model(model: Model, number: int, name: str, *paths: str) -> Any:
    """Performs an operation on the model; returns "OK", None for an error, or what was read."""
    data = (b"%d" % number,) if name == "make" else ()
    try:
        result = getattr(model, name)(*paths, *data)
    except Refused:
        return None
    return "OK" if result is None else result


def tree_of(folder: Path) -> Any:
    """The tree of a real directory, in the form that the model has."""
    return {
        entry.name: os.readlink(entry)
        if entry.is_symlink()
        else tree_of(Path(entry))
        if entry.is_dir()
        else [Path(entry).read_bytes()]
        for entry in os.scandir(folder)
    }


def without_links(tree: Any) -> Any:
    """A tree of the model in the form that VirtualDir.to_dict returns, which has no links."""
    return {
        name: without_links(node) if isinstance(node, dict) else node[0]
        for name, node in tree.items()
        if not isinstance(node, str)
    }


def run(backend: str, operations: list[Any]) -> tuple[list[Any], Any]:
    """The results of the operations on one kind of directory, and the tree at the end."""
    with tempfile.TemporaryDirectory() as name, resolving(backend):
        folder = Path(name, "inside")
        folder.mkdir()
        for outside in NAMES:
            Path(name, outside).write_bytes(b"outside")
        given = directory(backend, folder)
        calls = Calls(preopens={"/": given})
        results = [perform(calls, n, *one) for n, one in enumerate(operations)]
        calls.instance.close()
        for outside in NAMES:
            assert Path(name, outside).read_bytes() == b"outside"
        assert sorted(os.listdir(name)) == ["a", "b", "c", "inside"]
        if isinstance(given, VirtualDir):
            return results, given.to_dict()
        return results, tree_of(folder)


def comparable(operations: list[Any], results: list[Any]) -> list[Any]:
    """The results without the errors of creating a file.

    If there are several reasons to refuse that, the kernel chooses among them in its own order.
    """
    return [
        "refused" if one[0] == "make" and result != "OK" else result
        for one, result in zip(operations, results, strict=True)
    ]


@given(st.lists(operation, min_size=1, max_size=25))
def test_paths_mean_the_same_everywhere_and_lead_nowhere_else(operations: list[Any]) -> None:
    model = Model()
    expected = [in_model(model, n, *one) for n, one in enumerate(operations)]
    found = {backend: run(backend, operations) for backend in BACKENDS}
    for backend, (results, tree) in found.items():
        succeeded = [None if str(r).startswith("E") else r for r in results]
        assert succeeded == expected, backend
        assert tree == (without_links(model.root) if backend == "virtual" else model.root), backend
        assert b"outside" not in results
    first, *others = (comparable(operations, results) for results, _ in found.values())
    assert others == [first, first]
