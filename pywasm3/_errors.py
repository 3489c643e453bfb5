# SPDX-License-Identifier: MIT
"""What can go wrong, as a tree of exceptions.

::

    RuntimeError
     └── WasmError                      anything below; also: closed, busy, wrong store
          ├── ModuleError (ValueError)  the bytes cannot be used as a module
          │    ├── MalformedError       they are no module
          │    ├── InvalidError         a module that breaks a rule of validation
          │    └── UnsupportedError     valid, but beyond what this version runs
          ├── LinkError                 imports are missing or do not fit
          ├── SnapshotError (ValueError) a snapshot is damaged, or of another module
          ├── Trap                      running code stopped
          │    ├── StackExhausted (RecursionError)
          │    ├── OutOfFuel
          │    ├── Interrupted
          │    └── DeadlineExceeded (TimeoutError)
          └── WasiExit                  a WASI program ended itself

Misuse of the Python API raises Python's own errors: TypeError, OverflowError, IndexError,
KeyError, AttributeError. A host function's exception arrives as it is.
"""

from __future__ import annotations

from enum import Enum

from ._types import Value, _set, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

    from ._types import ExternType, ImportType


class WasmError(RuntimeError):
    """Root of all errors that this package defines."""


class ModuleError(WasmError, ValueError):
    """The bytes cannot be used as a module.

    Attributes:
        offset: Byte offset in the module where it was noticed, or None.
        function: Index of the function it is about, or None.
    """

    def __init__(
        self, message: str = "", *, offset: int | None = None, function: int | None = None
    ) -> None:
        """Takes the whole message; the place is kept beside it."""
        super().__init__(message)
        self.offset = offset
        self.function = function


class MalformedError(ModuleError):
    """The bytes are no WebAssembly module (section 5, Binary Format)."""


class InvalidError(ModuleError):
    """A module that breaks a rule of validation (section 3)."""


class UnsupportedError(ModuleError):
    """A feature or a size that this version cannot run."""


class Mismatch(Value):
    """An import that was given something that does not fit.

    Attributes:
        module: First half of the import's name.
        name: Second half.
        expected: The type that the module asks for.
        given: What was given, in words.
    """

    __slots__ = __match_args__ = ("module", "name", "expected", "given")
    module: str
    name: str
    expected: ExternType
    given: str

    def __init__(self, module: str, name: str, expected: ExternType, given: str) -> None:
        """Takes the names of the import, its type, and words for what was given."""
        _set(self, "module", module)
        _set(self, "name", name)
        _set(self, "expected", expected)
        _set(self, "given", given)


class LinkError(WasmError):
    """Imports are missing or do not fit (section 4.5.3, external typing). Lists all of them.

    Attributes:
        missing: Imports that nothing was given for.
        mismatched: Imports that were given something else.
    """

    def __init__(
        self,
        message: str = "",
        *,
        missing: Iterable[ImportType] = (),
        mismatched: Iterable[Mismatch] = (),
    ) -> None:
        """Takes the whole message; the imports are kept beside it."""
        super().__init__(message)
        self.missing = tuple(missing)
        self.mismatched = tuple(mismatched)


class SnapshotError(WasmError, ValueError):
    """A snapshot is damaged, or not of the module, or the instance may not become so large."""


def link_error(missing: Sequence[ImportType], mismatched: Sequence[Mismatch]) -> LinkError:
    """A LinkError that names every import, one a line."""
    count = len(missing) + len(mismatched)
    lines = [f"{count} import{'s do' if count > 1 else ' does'} not fit:"]
    for absent in missing:
        lines.append(
            f"  {absent.module}.{absent.name}: expected {describe(absent.type)}, given nothing"
        )
    for wrong in mismatched:
        lines.append(
            f"  {wrong.module}.{wrong.name}: "
            f"expected {describe(wrong.expected)}, given {wrong.given}"
        )
    return LinkError("\n".join(lines), missing=missing, mismatched=mismatched)


class TrapKind(Enum):
    """Why running code stopped. The value is the official test-suite's phrase, if it has one."""

    UNREACHABLE = "unreachable"
    MEMORY_OUT_OF_BOUNDS = "out of bounds memory access"
    TABLE_OUT_OF_BOUNDS = "out of bounds table access"
    DIVIDE_BY_ZERO = "integer divide by zero"
    INTEGER_OVERFLOW = "integer overflow"
    INVALID_CONVERSION = "invalid conversion to integer"
    UNDEFINED_ELEMENT = "undefined element"
    UNINITIALIZED_ELEMENT = "uninitialized element"
    INDIRECT_CALL_TYPE = "indirect call type mismatch"
    NULL_FUNCTION_REFERENCE = "null function reference"
    STACK_EXHAUSTED = "call stack exhausted"
    NULL_REFERENCE = "null reference"
    OUT_OF_FUEL = "out of fuel"
    INTERRUPTED = "interrupted"
    DEADLINE = "deadline exceeded"


# pw_trap counts from 1 in this order; then PW_TRAP_HOST, PW_TRAP_NO_MEMORY, PW_TRAP_UNSUPPORTED and
# PW_TRAP_OUT_OF_ORDER.
_KINDS = tuple(TrapKind)
_UNSUPPORTED = len(_KINDS) + 3
_OUT_OF_ORDER = len(_KINDS) + 4


class Frame(Value):
    """A wasm function that was running when code stopped.

    Attributes:
        function: Its index in its module, imported functions counted.
        name: From the name section, else the name of an export or import, else None.
        offset: Byte offset in the module of the instruction, or None when it is not known.
    """

    __slots__ = __match_args__ = ("function", "name", "offset")
    function: int
    name: str | None
    offset: int | None

    def __init__(self, function: int, name: str | None = None, offset: int | None = None) -> None:
        """Takes the function's index and name, and the byte offset."""
        _set(self, "function", function)
        _set(self, "name", name)
        _set(self, "offset", offset)

    def __str__(self) -> str:
        """One line of a message: name, index, offset."""
        place = "" if self.offset is None else f", offset {self.offset:#x}"
        if self.name is None:
            return f"function {self.function}{place}"
        return f"{self.name} (function {self.function}{place})"


def _repeated(frames: Sequence[Frame]) -> list[str]:
    """A line per frame; of equal ones in a row, the third stands for the rest."""
    lines: list[str] = []
    last, count = None, 0
    for frame in [*frames, None]:
        if frame == last:
            count += 1
        else:
            if count > 3:
                lines[-1] = f"  ... the same {count - 2:,} times more"
            last, count = frame, 1
        if frame is not None and count <= 3:
            lines.append(f"  at {frame}")
    return lines


def _frame_lines(frames: Sequence[Frame], head: int, omitted: int) -> str:
    if not omitted:
        return "\n".join(_repeated(frames))
    gap = f"  ... {omitted:,} frames are not kept"
    return "\n".join([*_repeated(frames[:head]), gap, *_repeated(frames[head:])])


class Trap(WasmError):
    """Running code stopped (section 4.4, traps). ``str()`` shows the reason and the frames.

    Attributes:
        kind: The reason.
        frames: The functions that were running, innermost first; in a deep recursion only the
            innermost and the outermost ones.
        omitted: How many frames are missing after the innermost ones.
        detail: What more is known, or "".
        element: Of a call by ``Function.map``: the index of its element, else None.
    """

    def __init__(
        self,
        kind: TrapKind,
        frames: Iterable[Frame] = (),
        head: int = 0,
        omitted: int = 0,
        detail: str = "",
    ) -> None:
        """Takes the reason and the frames, `omitted` of them missing after the first `head`."""
        frames = tuple(frames)
        super().__init__(kind, frames, head, omitted, detail)
        self.kind = kind
        self.frames = frames
        self.omitted = omitted
        self.detail = detail
        self.element: int | None = None
        self._head = head

    def __str__(self) -> str:
        """``[trap]``, the reason, and one line per frame."""
        text = f"[trap] {self.detail or self.kind.value}"
        if self.element is not None:
            text += f", at element {self.element:,}"
        frames = _frame_lines(self.frames, self._head, self.omitted)
        return f"{text}\n{frames}" if frames else text


class StackExhausted(Trap, RecursionError):
    """Calls went too deep: the value stack or the native stack is used up."""


class OutOfFuel(Trap):
    """The fuel was used up: see ``Limits`` and ``Instance.fuel``."""


class Interrupted(Trap):
    """``interrupt()`` was called while the code ran."""


class DeadlineExceeded(Trap, TimeoutError):
    """The time was over: that of ``Limits(timeout=...)``, or a ``with instance.deadline(...)``."""

    def __new__(cls, *args: object) -> Self:
        """As OSError, the base of TimeoutError, asks for."""
        return TimeoutError.__new__(cls)

    __str__ = Trap.__str__


class WasiExit(WasmError):
    """A WASI program called proc_exit. ``Instance.run()`` catches that of its own program.

    Attributes:
        code: The exit code, unsigned.
    """

    def __init__(self, code: int, program: object = None) -> None:
        """Takes the code, and the ``Instance.wasi`` of the program that ends."""
        super().__init__(code)
        self.code = code
        self._program = program

    def __reduce__(self) -> tuple[type[WasiExit], tuple[int]]:
        """Pickles the code."""
        return type(self), (self.code,)

    def __str__(self) -> str:
        """The code in words."""
        return f"exit code {self.code}"


_CLASSES: dict[TrapKind, type[Trap]] = {
    TrapKind.STACK_EXHAUSTED: StackExhausted,
    TrapKind.OUT_OF_FUEL: OutOfFuel,
    TrapKind.INTERRUPTED: Interrupted,
    TrapKind.DEADLINE: DeadlineExceeded,
}


def _frames(raw: Iterable[tuple[int, int | None, str | None]]) -> list[Frame]:
    return [Frame(function, name, offset) for function, offset, name in raw]


def trap(
    kind: int,
    frames: Sequence[tuple[int, int | None, str | None]],
    head: int,
    omitted: int,
    message: str,
) -> WasmError:
    """The exception for a pw_trap. Hook of fastcall.

    Args:
        kind: A pw_trap.
        frames: Function index, byte offset and name, innermost first.
        head: How many frames come before the omitted ones.
        omitted: How many are missing.
        message: What the engine says of PW_TRAP_UNSUPPORTED.
    """
    if 0 < kind <= len(_KINDS):
        reason = _KINDS[kind - 1]
        return _CLASSES.get(reason, Trap)(reason, _frames(frames), head, omitted)
    made = _frames(frames)
    text = message or "the engine cannot run this function"
    if kind == _OUT_OF_ORDER:
        text = "a host function returned while a later call of the same store still runs"
    if lines := _frame_lines(made, head, omitted):
        text = f"{text}\n{lines}"
    if kind != _UNSUPPORTED:
        return WasmError(text)
    function = made[0].function if made else None
    return UnsupportedError(text, function=function, offset=made[0].offset if made else None)


def segment_trap(kind: int, detail: str) -> WasmError:
    """The exception for a trap while segments are applied: it has words, but no frames."""
    if 0 < kind <= len(_KINDS):
        return Trap(_KINDS[kind - 1], detail=detail)
    return WasmError(detail)


def annotate(
    exc: BaseException,
    frames: Sequence[tuple[int, int | None, str | None]],
    head: int,
    omitted: int,
) -> None:
    """Adds the wasm frames to a host function's exception as a note. Hook of fastcall."""
    lines = _frame_lines(_frames(frames), head, omitted)
    if not lines:
        return
    _add_note(exc, f"wasm frames, innermost first:\n{lines}")


def element(exc: BaseException, index: int, own: bool) -> None:
    """Says at which element ``Function.map`` failed; `own`: not by another's exception. A hook."""
    if own and isinstance(exc, Trap):
        exc.element = index
    else:
        _add_note(exc, f"at element {index:,} of map()")


def _add_note(exc: BaseException, note: str) -> None:
    if hasattr(exc, "add_note"):
        exc.add_note(note)
    else:  # Python 3.10 keeps notes, but does not show them
        exc.__dict__.setdefault("__notes__", []).append(note)
