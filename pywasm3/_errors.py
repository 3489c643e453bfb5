# SPDX-License-Identifier: MIT
"""The exceptions of this package, which form a tree.

::

    RuntimeError
     └── WasmError                      all errors below, and others: for example a closed store
          ├── ModuleError (ValueError)  the bytes cannot be used as a module
          │    ├── MalformedError       the bytes are not a module
          │    ├── InvalidError         the module breaks a rule of validation
          │    └── UnsupportedError     the module is valid, but this version cannot run it
          ├── LinkError                 imports are missing or do not fit
          ├── SnapshotError (ValueError) a snapshot is damaged, or of another module
          ├── WasmException             code or a host function threw an exception of WebAssembly
          ├── Trap                      running code was stopped
          │    ├── StackExhausted (RecursionError)
          │    ├── OutOfFuel
          │    ├── Interrupted
          │    └── DeadlineExceeded (TimeoutError)
          └── WasiExit                  a WASI program ended itself

The class in parentheses is a second base. Wrong use of the Python API raises Python's own errors:
TypeError, ValueError, OverflowError, IndexError, KeyError, AttributeError. An exception that a host
function raises reaches the caller of the guest as the same object, unless the guest catches it.
WasmException, which _tag.py has, says which ones a guest can catch.
"""

from __future__ import annotations

from enum import Enum

from ._frames import frame_lines, frames_of
from ._immutable import Immutable, begin_init, set_field
from ._text import brief, listed, printable
from ._types import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Self

    from ._frames import Frame, RawFrame
    from ._types import ExternType, ImportType


class WasmError(RuntimeError):
    """Base of all errors that this package defines.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#wasmerror
    """


class ModuleError(WasmError, ValueError):
    """The bytes cannot be used as a module.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#moduleerror

    Attributes:
        offset: The byte offset in the module where the error was found, or None.
        function: The index of the function that the error is in, or None. Imported functions are
            counted.
    """

    def __init__(
        self, message: str = "", *, offset: int | None = None, function: int | None = None
    ) -> None:
        """Takes the whole message, and the place of the error as data."""
        super().__init__(message)
        self.offset = offset
        self.function = function


class MalformedError(ModuleError):
    """The bytes are not a WebAssembly module (specification, chapter 5, "Binary Format").

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#malformederror
    """


class InvalidError(ModuleError):
    """The module breaks a rule of validation (specification, chapter 3, "Validation").

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#invaliderror
    """


class UnsupportedError(ModuleError):
    """The module uses a feature, or has a size, that this version cannot run.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#unsupportederror

    Attributes:
        features: The names of all features that the module needs and that this version cannot run,
            such as ``("SIMD", "threads")``. They are known when a module is loaded. It is empty if
            the reason is a size, or a function that the engine cannot compile.
    """

    def __init__(
        self,
        message: str = "",
        *,
        offset: int | None = None,
        function: int | None = None,
        features: Iterable[str] = (),
    ) -> None:
        """Takes the whole message, the place of the error, and the names of features, as data."""
        super().__init__(message, offset=offset, function=function)
        self.features = tuple(features)


class Mismatch(Immutable):
    """An import that was given a value that does not fit. ``LinkError.mismatched`` has them.

    Attributes:
        module: The first half of the import's name.
        name: The second half of the import's name.
        expected: The type that the module asks for.
        given: A description of the value that was given.
    """

    __slots__ = __match_args__ = ("module", "name", "expected", "given")
    module: str
    name: str
    expected: ExternType
    given: str

    def __init__(self, module: str, name: str, expected: ExternType, given: str) -> None:
        """Takes the names of the import, its type, and a description of the value."""
        begin_init(self)
        set_field(self, "module", module)
        set_field(self, "name", name)
        set_field(self, "expected", expected)
        set_field(self, "given", given)


class LinkError(WasmError):
    """Imports are missing or do not fit (specification, chapter 4, "Instantiation").

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#linkerror

    The message lists the first 20 of them, one a line.

    Attributes:
        missing: All imports that were given no value.
        mismatched: All imports that were given a value of another type.
        unused: If imports are missing: the names that were given and that the module does not
            import, one of which may be misspelt.
    """

    def __init__(
        self,
        message: str = "",
        *,
        missing: Iterable[ImportType] = (),
        mismatched: Iterable[Mismatch] = (),
        unused: Iterable[str] = (),
    ) -> None:
        """Takes the whole message, and the imports as data."""
        super().__init__(message)
        self.missing = tuple(missing)
        self.mismatched = tuple(mismatched)
        self.unused = tuple(unused)


class SnapshotError(WasmError, ValueError):
    """A snapshot is damaged, of another module, or larger than the limits allow.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#snapshoterror
    """


def link_error(
    missing: Sequence[ImportType],
    mismatched: Sequence[Mismatch],
    unused: Sequence[str] = (),
    hints: Sequence[str] = (),
) -> LinkError:
    """Returns a LinkError whose message names the first of the imports, one a line, then hints."""
    misfits: list[ImportType | Mismatch] = [*missing, *mismatched]
    count = len(misfits)
    lines = [f"{count:,} import{'s do' if count > 1 else ' does'} not fit:"]
    lines += [f"  {line}" for line in listed(misfits, _misfit_line)]
    message = "\n".join([*lines, *hints])
    return LinkError(message, missing=missing, mismatched=mismatched, unused=unused)


def _misfit_line(misfit: ImportType | Mismatch) -> str:
    expected, given = (
        (misfit.expected, misfit.given)
        if isinstance(misfit, Mismatch)
        else (misfit.type, "nothing")
    )
    label = f"{brief(misfit.module)}.{brief(misfit.name)}"
    return f"{label}: expected {describe(expected)}, given {given}"


class TrapKind(Enum):
    """The reason why running code was stopped.

    A member's value is the phrase that the official test-suite has for the trap, if it has one.
    """

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
    NULL_STRUCTURE_REFERENCE = "null structure reference"
    NULL_ARRAY_REFERENCE = "null array reference"
    NULL_I31_REFERENCE = "null i31 reference"
    CAST_FAILURE = "cast failure"
    ARRAY_OUT_OF_BOUNDS = "out of bounds array access"
    HEAP_EXHAUSTED = "heap exhausted"
    UNALIGNED_ATOMIC = "unaligned atomic"
    EXPECTED_SHARED_MEMORY = "expected shared memory"
    OUT_OF_FUEL = "out of fuel"
    INTERRUPTED = "interrupted"
    DEADLINE = "deadline exceeded"


class Trap(WasmError):
    """Running code was stopped (specification, section 1.2.1, "Concepts").

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#trap

    ``str()`` shows the reason and the frames.

    Attributes:
        kind: The reason.
        frames: The functions that were running, innermost first. In a deep recursion they are only
            the innermost and the outermost ones.
        omitted: The number of frames that are missing between these two groups.
        detail: A more precise reason, or "".
        element: The index of the element if ``Function.map`` made the call, else None.
    """

    def __init__(
        self,
        kind: TrapKind,
        frames: Iterable[Frame] = (),
        head: int = 0,
        omitted: int = 0,
        detail: str = "",
    ) -> None:
        """Takes the reason and the frames; `omitted` frames are missing after the first `head`.

        Raises:
            TypeError: `kind` is not a TrapKind.
        """
        if not isinstance(kind, TrapKind):
            raise TypeError(f"kind must be a TrapKind, not {type(kind).__name__}")
        frames = tuple(frames)
        super().__init__(kind, frames, head, omitted, detail)
        self.kind = kind
        self.frames = frames
        self.omitted = omitted
        self.detail = detail
        self.element: int | None = None
        self._head = head

    def __str__(self) -> str:
        """Returns ``[trap]``, the reason, and one line per frame."""
        text = f"[trap] {self.detail or self.kind.value}"
        if self.element is not None:
            text += f", at element {self.element:,}"
        frames = frame_lines(self.frames, self._head, self.omitted)
        return f"{text}\n{frames}" if frames else text


class StackExhausted(Trap, RecursionError):
    """Calls were nested too deeply: the value stack or the native stack is used up.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#stackexhausted
    """


class OutOfFuel(Trap):
    """The fuel is used up; ``Limits`` and ``Instance.fuel`` set it.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#outoffuel
    """


class Interrupted(Trap):
    """``interrupt()`` was called while the code was running.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#interrupted
    """


class DeadlineExceeded(Trap, TimeoutError):
    """The time of ``Limits(timeout=...)`` or ``with instance.deadline(...)`` is over.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#deadlineexceeded
    """

    def __new__(cls, *args: object) -> Self:
        """Makes the object without arguments, because OSError would read them as an errno."""
        return TimeoutError.__new__(cls)

    __str__ = Trap.__str__


class WasiExit(WasmError):
    """A WASI program called proc_exit. ``Instance.run()`` catches it and returns the code.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#wasiexit

    Attributes:
        code: The exit code, which is not negative.
    """

    def __init__(self, code: int, program: object = None) -> None:
        """Takes the exit code, and the ``Instance.wasi`` of the program that ended."""
        super().__init__(code)
        self.code = code
        self._program = program

    def __reduce__(self) -> tuple[type[WasiExit], tuple[int]]:
        """Pickles the exit code only."""
        return type(self), (self.code,)

    def __str__(self) -> str:
        """Returns ``exit code`` and the code."""
        return f"exit code {self.code}"


# The rows of native/base/traps.def for which StackExhausted is raised, and which stack is meant.
_STACKS = {
    "STACK_EXHAUSTED": "the stack of the store is used up; Limits(stack=) sets its size, and "
    "--stack on the command line",
    "NATIVE_STACK": "the stack of the thread is used up, or the rest is kept for Python; "
    "threading.stack_size() gives new threads larger stacks",
    "SPILL_STACK": "the stack for the locals of functions that have thousands is used up",
}

_CLASSES: dict[TrapKind, type[Trap]] = {
    TrapKind.OUT_OF_FUEL: OutOfFuel,
    TrapKind.INTERRUPTED: Interrupted,
    TrapKind.DEADLINE: DeadlineExceeded,
}


class Traps:
    """Makes exceptions for the traps that the engine reports by number.

    The numbers are those of the C enum pw_trap, whose members are the rows of
    native/base/traps.def. A TrapKind is found by its name, so the order of rows does not matter.
    """

    def __init__(self, number_of: Callable[[str], int]) -> None:
        """Takes a function that returns the number of a row by its name."""
        self._kinds = {number_of(kind.name): kind for kind in TrapKind}
        self._stacks = {number_of(name): detail for name, detail in _STACKS.items()}
        self._unsupported = number_of("UNSUPPORTED")
        self._out_of_order = number_of("OUT_OF_ORDER")

    def error(
        self,
        number: int,
        frames: Sequence[RawFrame],
        head: int,
        omitted: int,
        message: str,
    ) -> WasmError:
        """Returns the exception for a trap of running code. The extension module calls this.

        Args:
            number: A number of the C enum pw_trap.
            frames: Function index, byte offset and name of each frame, innermost first. In place
                of a long name there is a function that decodes its first bytes, or all for -1.
            head: The number of frames before the omitted ones.
            omitted: The number of frames that are missing.
            message: The engine's reason if the engine cannot run a function.
        """
        made = frames_of(frames)
        if number in self._stacks:
            exhausted = TrapKind.STACK_EXHAUSTED
            detail = f"{exhausted.value}: {self._stacks[number]}"
            return StackExhausted(exhausted, made, head, omitted, detail)
        kind = self._kinds.get(number)
        if kind is not None:
            return _CLASSES.get(kind, Trap)(kind, made, head, omitted)
        text = printable(message) or "the engine cannot run this function"
        if number == self._out_of_order:
            text = "a host function returned while a later call of the same store still runs"
        if lines := frame_lines(made, head, omitted):
            text = f"{text}\n{lines}"
        if number != self._unsupported:
            return WasmError(text)
        function = made[0].function if made else None
        return UnsupportedError(text, function=function, offset=made[0].offset if made else None)

    def segment_error(self, number: int, detail: str) -> WasmError:
        """Returns the exception for a trap while no function is running.

        That is when a segment does not fit, or when instantiation or a snapshot is stopped.
        """
        kind = self._kinds.get(number)
        if kind is None:
            return WasmError(detail)
        return _CLASSES.get(kind, Trap)(kind, (), 0, 0, detail)


def note(frames: Sequence[RawFrame], head: int, omitted: int) -> str:
    """Returns the note for the exception of a host function. The extension module calls this.

    Args:
        frames: The same as in ``Traps.error``.
        head: The number of frames before the omitted ones.
        omitted: The number of frames that are missing.
    """
    lines = frame_lines(frames_of(frames), head, omitted)
    return f"wasm frames, innermost first:\n{lines}" if lines else ""


def element(exc: BaseException, index: int, own: bool) -> None:
    """Says at which element ``Function.map`` failed. The extension module calls this.

    Args:
        exc: The exception that ended the map.
        index: The index of the element.
        own: Whether the exception is a trap of this call, or the guest threw it. An exception that
            a host function raised gets a note instead, because it may be a Trap of another call,
            with its own element.
    """
    if own and hasattr(exc, "element"):
        exc.element = index
    else:
        add_note(exc, f"at element {index:,} of map()")


def element_of(exc: BaseException) -> int | None:
    """Returns the index that `element` has told an exception, or None if it has told it none."""
    index: int | None = getattr(exc, "element", None) if isinstance(exc, WasmError) else None
    notes = getattr(exc, "__notes__", None)
    if index is not None or not notes:
        return index
    import re  # the errors are always imported, and this is needed rarely

    found = re.fullmatch(r"at element ([\d,]+) of map\(\)", str(notes[-1]))
    return int(found[1].replace(",", "")) if found else None


def add_note(exc: BaseException, note: str) -> None:
    """Adds a note to an exception, which is shown below it."""
    if hasattr(exc, "add_note"):
        exc.add_note(note)
    else:  # Python 3.10 does not show notes, but tools that know of them do
        exc.__dict__.setdefault("__notes__", []).append(note)
