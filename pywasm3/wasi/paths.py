# SPDX-License-Identifier: MIT
"""Resolves paths of a guest below a directory: `..`, symbolic links and slashes at the end.

No path leads out of the directory that it is relative to: one that tries to is EPERM.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, TypeVar

from .abi import ELOOP, ENOENT, EPERM, WasiError

MAX_LINKS = 40  # One path may lead through this many symbolic links, as on Linux.

Node = TypeVar("Node")


class Split(NamedTuple):
    """A path split into the directory that holds its last name, and that name."""

    parent: str
    name: str
    must_be_directory: bool


def split(path: str) -> Split:
    """Splits off the last name of a path. It is "." if the path ends in "." or "..".

    Raises:
        WasiError: ENOENT for an empty path, EPERM for an absolute one.
    """
    if not path:
        raise WasiError(ENOENT)
    if path[0] == "/":
        raise WasiError(EPERM)
    bare = path.rstrip("/")
    parent, _, name = bare.rpartition("/")
    if name in (".", ".."):
        return Split(bare, ".", True)
    return Split(parent or ".", name, len(bare) < len(path))


def creates_directory(path: str) -> bool:
    """Returns whether a path ends in a name and a slash, so that creating it as a file is EISDIR.

    It is EISDIR on Linux, too, whatever the path names. A path that ends in "." or ".." names a
    directory that exists.
    """
    return path[-1:] == "/" and split(path).name != "."


class Walker(ABC, Generic[Node]):
    """Resolves paths name by name, in a tree whose nodes a subclass knows how to open.

    A node stays open while the walk is below it. So `..` leads back to where the walk came from,
    even if directories are renamed meanwhile.
    """

    @abstractmethod
    def enter(self, parent: Node, name: str) -> Node | str:
        """Returns the directory with a name, or the target of the symbolic link with that name.

        Raises:
            WasiError: ENOENT when there is no such name, ENOTDIR when it is another kind of file.
        """

    @abstractmethod
    def link_target(self, parent: Node, name: str) -> str | None:
        """Returns the target of the symbolic link with a name, or None if it is not a link."""

    def leave(self, node: Node) -> None:
        """Closes a node that `enter` returned, when the walk does not need it any more."""

    def resolve(self, root: Node, path: str, follow: bool) -> tuple[list[Node], str, bool]:
        """Finds the directory that holds what a path names.

        Args:
            root: The directory where the path starts.
            path: The path, relative to the root.
            follow: Whether to follow a symbolic link in the last place, too.

        Returns:
            The nodes on the way, with the root first, which the caller passes to `leave_all`; the
            last name, or "." if the path names the last node itself; and whether the path must name
            a directory.

        Raises:
            WasiError: ENOENT; ENOTDIR; EPERM when the path leads out; ELOOP for too many links.
        """
        nodes = [root]
        try:
            name, must_be_directory = self._resolve(nodes, path, follow)
        except BaseException:
            self.leave_all(nodes)
            raise
        return nodes, name, must_be_directory

    def leave_all(self, nodes: list[Node]) -> None:
        """Leaves all nodes but the root."""
        while len(nodes) > 1:
            self.leave(nodes.pop())

    def _resolve(self, nodes: list[Node], path: str, follow: bool) -> tuple[str, bool]:
        """Does what `resolve` does, with the nodes on the way in a list, which it changes."""
        must_be_directory = False
        links = 0
        while True:
            parent, name, is_directory = split(path)
            must_be_directory |= is_directory
            links = self._descend(nodes, parent, links)
            if name == "." or not (follow or must_be_directory):
                return name, must_be_directory
            target = self.link_target(nodes[-1], name)
            if target is None:
                return name, must_be_directory
            links = count_link(links)
            path = target

    def _descend(self, nodes: list[Node], path: str, links: int) -> int:
        """Enters each directory of a path; returns how many links the walk has followed by then."""
        names = path.split("/")[::-1]
        while names:
            name = names.pop()
            if name == "..":
                if len(nodes) == 1:
                    raise WasiError(EPERM)
                self.leave(nodes.pop())
            elif name not in ("", "."):
                entered = self.enter(nodes[-1], name)
                if isinstance(entered, str):
                    links = count_link(links)
                    if entered[:1] == "/":
                        raise WasiError(EPERM)
                    if not entered:
                        raise WasiError(ENOENT)
                    names += entered.split("/")[::-1]
                else:
                    nodes.append(entered)
        return links


def count_link(links: int) -> int:
    """Counts one more symbolic link that was followed; raises ELOOP if there are too many."""
    if links >= MAX_LINKS:
        raise WasiError(ELOOP)
    return links + 1
