# SPDX-License-Identifier: MIT
"""The functions that were running when code trapped or threw, and the text that shows them."""

from __future__ import annotations

from ._immutable import Immutable, begin_init, set_field
from ._text import ENOUGH_BYTES, MAX_NAME, brief, brief_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    # A long name stays in its module: the function returns what its first bytes say.
    LongName: TypeAlias = Callable[[int], str]
    # The index of the function, the byte offset, and the name.
    RawFrame: TypeAlias = tuple[int, int | None, str | LongName | None]


class Frame(Immutable):
    """A wasm function that was running when a trap happened.

    Attributes:
        function: The index of the function in its module. Imported functions are counted.
        offset: The byte offset of the instruction in the module, or None if it is not known.
    """

    __slots__ = ("_name", "function", "offset")
    __match_args__ = ("function", "name", "offset")
    function: int
    offset: int | None
    _name: str | LongName | None

    def __init__(self, function: int, name: str | None = None, offset: int | None = None) -> None:
        """Takes the index and the name of the function, and the byte offset."""
        begin_init(self)
        set_field(self, "function", function)
        set_field(self, "_name", name)
        set_field(self, "offset", offset)

    @classmethod
    def _of(cls, function: int, offset: int | None, name: str | LongName | None) -> Frame:
        self = cls(function, None, offset)
        set_field(self, "_name", name)
        return self

    @property
    def name(self) -> str | None:
        """The function's name in the name section, or the name of its export or import, or None.

        It is the whole name, unescaped and as it stands in the module, while ``str()`` and
        ``repr()`` show 256 characters of it, and ``str()`` shows names of Rust and C++ readably. A
        long name is read from the module each time, and is cut when the frame is pickled.
        """
        name = self._name
        return name(-1) if callable(name) else name

    def _head(self) -> str | None:
        """Returns as much of the name as a text can need."""
        name = self._name
        return name(ENOUGH_BYTES) if callable(name) else name

    def __str__(self) -> str:
        """Returns name, index and offset, as a message shows them on one line.

        A name that Rust or C++ has mangled is shown as in the source.
        """
        place = "" if self.offset is None else f", offset {self.offset:#x}"
        name = self._head()
        if name is None:
            return f"function {self.function}{place}"
        if name.startswith(("_R", "_Z")):
            from ._demangle import demangled

            name = demangled(name)
        return f"{brief(name)} (function {self.function}{place})"

    def __repr__(self) -> str:
        """Returns the call that makes an equal value; a name that is long is cut."""
        name = brief_repr(self._head())
        return f"{type(self).__name__}(function={self.function}, name={name}, offset={self.offset})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the class and its arguments, with the beginning of a long name."""
        name = self._name
        if callable(name):
            name = f"{name(ENOUGH_BYTES)[:MAX_NAME]}..."
        return type(self), (self.function, name, self.offset)

    def __copy__(self) -> Frame:
        """Returns the frame itself, because it is immutable."""
        return self

    def __deepcopy__(self, memo: object) -> Frame:
        """Returns the frame itself, because it is immutable."""
        return self


# Functions that call each other in a circle, as parsers do, have at most so many frames a round.
_MAX_ROUND = 10


def _rounds(lines: Sequence[str]) -> tuple[int, int]:
    """Returns how many lines make a round that is repeated at once, and how often it occurs."""
    for size in range(1, _MAX_ROUND + 1):
        count = 1
        while lines[count * size : (count + 1) * size] == lines[:size]:
            count += 1
        if count >= (4 if size == 1 else 3):
            return size, count
    return 1, 1


def _repeated(frames: Sequence[Frame]) -> list[str]:
    """Returns a line per frame. If frames are repeated in rounds, one line counts the rounds left.

    Two frames of a function that calls itself are shown, and one round of several functions.
    """
    shown = [f"  at {frame}" for frame in frames]
    lines: list[str] = []
    at = 0
    while at < len(shown):
        size, count = _rounds(shown[at:])
        kept = 2 if size == 1 and count > 1 else 1
        lines += shown[at : at + kept * size]
        if count > kept:
            frames_ = "" if size == 1 else f"{size} frames "
            lines.append(f"  ... the same {frames_}{count - kept:,} times more")
        at += count * size
    return lines


def frame_lines(frames: Sequence[Frame], head: int, omitted: int) -> str:
    """Returns the text of frames, of which `omitted` are missing after the first `head` ones."""
    if not omitted:
        return "\n".join(_repeated(frames))
    gap = f"  ... {omitted:,} frame{' is' if omitted == 1 else 's are'} not kept"
    return "\n".join([*_repeated(frames[:head]), gap, *_repeated(frames[head:])])


def frames_of(raw: Iterable[RawFrame]) -> list[Frame]:
    """Returns the frames that the extension module has described."""
    return [Frame._of(*frame) for frame in raw]
