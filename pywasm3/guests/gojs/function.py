# SPDX-License-Identifier: MIT
"""Functions of a Go program that Python can call: those that the program made by ``js.FuncOf``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._exposed import exposes
from .undefined import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .program import Program


@exposes("id", "this", "args", "result", writable=("result",))
class Event:
    """A call of a Go function that Go is told of.

    Attributes:
        id: The number of the function; 0 tells Go that nothing can happen any more.
        this: What JavaScript calls ``this``.
        args: The arguments.
        result: The result, once Go has set it.
    """

    def __init__(self, id: int, this: Any = UNDEFINED, args: Sequence[Any] = ()) -> None:
        self.id = id
        self.this = this
        self.args = args
        self.result: Any = UNDEFINED


class GoFunction:
    """A function that a Go program made by ``js.FuncOf``, as Python calls it.

    A call runs the Go function, and what becomes ready by it. If the program runs on another thread
    meanwhile, the call waits for its turn there.

    Attributes:
        id: The number that Go has for the function.
    """

    __slots__ = ("__weakref__", "_program", "id")

    def __init__(self, program: Program, id: int) -> None:
        self._program = program
        self.id = id

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function.

        Args:
            arguments: The values for Go's ``args``; docs/guests/go.md lists what they may be.

        Returns:
            What the Go function returned. It is a Promise if the function made one.

        Raises:
            WasiExit: The program ended meanwhile: it called ``os.Exit`` or panicked. If it panicked
                after a host function had raised an exception, that is the ``__cause__``.
            WasmError: The program has ended before, has not been started, or is closed.
            Trap: The guest was stopped.
        """
        return self.call_with(UNDEFINED, arguments)

    def call_with(self, this: Any, arguments: Sequence[Any]) -> Any:
        """Calls the function with a value for what JavaScript calls ``this``."""
        return self._program._call(Event(self.id, this, tuple(arguments)))

    def __repr__(self) -> str:
        """Shows the number of the function."""
        return f"<gojs.GoFunction {self.id}>"


@exposes(
    "_makeFuncWrapper",
    "_pendingEvent",
    "exited",
    writable=("_pendingEvent",),
)
class GoObject:
    """The object that Go's package ``syscall/js`` knows as its own counterpart."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._pendingEvent: Event | None = None

    @property
    def exited(self) -> bool:
        """Whether the program has ended."""
        return self._program.exit_code is not None

    def _makeFuncWrapper(self, id: Any) -> GoFunction:
        return GoFunction(self._program, id)

    def take(self) -> Event | None:
        """Returns the event that Go has not taken, and forgets it."""
        event, self._pendingEvent = self._pendingEvent, None
        return event
