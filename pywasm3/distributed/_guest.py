# SPDX-License-Identifier: MIT
"""The class Guest, which is sent to where the work is done, and the work that it offers."""

from __future__ import annotations

import pickle
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from .._module import check_module
from .._pool import InstancePool
from .._text import brief_repr
from .._types import FuncType
from ._columns import Columns, check_type
from ._programs import Programs, check_program
from ._records import ERRORS, Records
from ._shipping import LocalCopy, packed, resident
from ._submitting import over_frames, over_partitions, over_records
from ._uses import PER, Uses, stoppable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from .._aliases import Imports
    from .._cpython import Store
    from .._instance import Instance
    from .._limits import Limits
    from .._module import Module
    from .._snapshot import Snapshot
    from ..wasi import WasiConfig
    from ._records import Errors
    from ._uses import Per

# The threads that use a pool bound the number of its instances, so it needs no bound of its own.
_MANY = 1 << 20


class Parts(NamedTuple):
    """What a guest consists of, as ``Guest`` takes it."""

    module: Module
    imports: Imports | Callable[[Store], Imports] | None
    limits: Limits | None
    wasi: WasiConfig | None
    snapshot: Snapshot | None


class Guest:
    """A module with all that its instances need, which can be sent to other processes.

    ::

        guest = Guest(module, {"env": {"log": log}}, limits=Limits(fuel=1_000_000))
        scores = guest.map("score", bag).compute()

    A process decodes and validates a guest once, however often it arrives, and keeps a pool of
    instances. Each use of an instance begins with the state after the start, or with that of the
    snapshot. docs/scale.md shows how guests are used.
    """

    def __init__(
        self,
        module: Module,
        imports: Imports | Callable[[Store], Imports] | None = None,
        *,
        limits: Limits | None = None,
        wasi: WasiConfig | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Takes what the instances need; the first one is made when there is work.

        Args:
            module: The module.
            imports: The imports, as InstancePool takes them. Functions must be importable by their
                names where the guest is used, or cloudpickle must be installed, as it is with Dask.
            limits: The limits of each instance. The methods say what they hold for.
            wasi: The configuration for WASI.
            snapshot: The state in which each use begins.

        Raises:
            TypeError: `module` is not a Module.
        """
        check_module(module)
        self._parts: Parts | None = Parts(module, imports, limits, wasi, snapshot)
        self._payload: bytes | None = None
        self._digest: bytes | None = None
        self._begin()

    def _begin(self) -> None:
        self._lock = Lock()
        self._pool: InstancePool | None = None
        self._copy: LocalCopy | None = None
        self._shipped: tuple[Any, Any] = None, None  # the client and the future that have it

    @classmethod
    def _of(cls, digest: bytes, payload: bytes) -> Guest:
        """Returns the guest of a pickle, which is read when there is work."""
        self = object.__new__(cls)
        self._parts = None
        self._payload = payload
        self._digest = digest
        self._begin()
        return self

    # ---- what it consists of ----

    def _known(self) -> Parts:
        """Returns the parts. The caller holds the lock."""
        if self._parts is None:
            assert self._payload is not None
            self._parts = Parts(*pickle.loads(self._payload))
        return self._parts

    @property
    def module(self) -> Module:
        """The module."""
        with self._lock:
            return self._known().module

    @property
    def limits(self) -> Limits | None:
        """The limits of each instance."""
        with self._lock:
            return self._known().limits

    @property
    def wasi(self) -> WasiConfig | None:
        """The configuration for WASI."""
        with self._lock:
            return self._known().wasi

    @property
    def payload(self) -> bytes:
        """The pickled parts, which are sent to other processes.

        Raises:
            TypeError: A part cannot be pickled; the message names it.
        """
        with self._lock:
            if self._payload is None:
                self._payload = packed(self._known())
            return self._payload

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the payload, by which a process knows the guest again."""
        if self._digest is None:
            self._digest = sha256(self.payload).digest()
        return self._digest

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the guest. A process that has it already does not read it again.

        Raises:
            TypeError: A part cannot be pickled; the message names it.
        """
        return resident, (self.digest, self.payload)

    def __dask_tokenize__(self) -> tuple[str, bytes]:
        """Returns what Dask derives the names of tasks from."""
        return "pywasm3.distributed.Guest", self.digest

    def __repr__(self) -> str:
        """Returns the module."""
        return f"<pywasm3.distributed.Guest: {self.module!r}>"

    # ---- one call, or one instance ----

    def instance(self) -> AbstractContextManager[Instance[Any]]:
        """Gives exclusive use of an instance: ``with guest.instance() as instance:``.

        Raises:
            Exception: Whatever ``Instance`` raises when the first instance is made.
        """
        with self._lock:
            if self._pool is None:
                self._pool = self._new_pool(self._known())
            pool = self._pool
        return pool.instance()

    @staticmethod
    def _new_pool(parts: Parts) -> InstancePool:
        snapshot = parts.snapshot

        def prepare(instance: Instance[Any]) -> None:
            if snapshot is not None:
                instance.restore(snapshot)

        return InstancePool(
            parts.module,
            parts.imports,
            size=_MANY,
            limits=parts.limits,
            wasi=parts.wasi,
            prepare=prepare,
        )

    def __call__(self, function: str, /, *args: Any) -> Any:
        """Calls an export in an instance: ``client.submit(guest, "add", 1, 2)``.

        The limits hold for this call. If it is cancelled as a task of Dask, it is stopped.

        Args:
            function: The name of the export.
            args: Its arguments.

        Raises:
            AttributeError: There is no such export.
            Exception: Whatever the call raises.
        """
        with stoppable() as stop, Uses(self, "record", stop) as uses:
            function_ = uses.instance().exports[function]
            try:
                return function_(*args)
            except Exception as error:
                uses.failed(error)
                raise

    # ---- many calls ----

    def map(
        self,
        function: str,
        source: Any,
        *,
        per: Per = "partition",
        errors: Errors = "raise",
        executor: Any = None,
        **options: Any,
    ) -> Any:
        """Calls an export once for each record of many partitions.

        A record that is a tuple has the arguments of a call; any other record is the only argument.

        Args:
            function: The name of the export.
            source: A ``dask.bag.Bag``; or a Delayed, a Future of Dask, or a list of these, each of
                which becomes a partition: an iterable of records. With `executor`, an iterable of
                partitions.
            per: What the limits hold for, and how long an instance keeps its state:
                ``"partition"`` or ``"record"``. A record that fails always ends the state.
            errors: What happens to a record that fails. ``"raise"`` ends its partition with a
                RecordError; ``"collect"`` puts the RecordError in the place of the result;
                ``"drop"`` leaves it out.
            executor: A ``concurrent.futures`` executor, or a Client of Dask.
            options: What ``Client.submit`` takes, such as ``retries`` and ``resources``, if the
                source consists of futures or the executor is a Client.

        Returns:
            A Bag of results for a Bag. Otherwise a Delayed or a Future, or a list of them, in the
            source's order; each gives the list of a partition's results.

        Raises:
            AttributeError: The module exports no such function.
            TypeError: An argument has the wrong type, or an import cannot be pickled.
            ValueError: `per` or `errors` is none of these words.
        """
        self._function_type(function)
        work = Records(function, _one_of("per", per, PER), _one_of("errors", errors, ERRORS))
        return over_partitions(self, work, source, executor, options)

    def map_partitions(
        self,
        dataframe: Any,
        function: str,
        *,
        columns: Sequence[str],
        out: str | Sequence[str],
        per: Per = "partition",
        errors: Errors = "raise",
        executor: Any = None,
        **options: Any,
    ) -> Any:
        """Calls an export for each row of a dataframe, with the loop in C (``Function.map``).

        Args:
            dataframe: A ``dask.dataframe.DataFrame``, or one of pandas. With `executor`, an
                iterable of dataframes of pandas, which are the partitions.
            function: The name of the export, whose parameters and results are numbers.
            columns: The names of the columns that are the arguments. docs/bulk.md says which dtype
                fits which parameter.
            out: The name of the column that gets the result, or a name for each result.
            per: What the limits hold for: ``"partition"``, or ``"record"``, which is much slower.
            errors: What happens to a row that fails. ``"raise"`` ends its partition with a
                RecordError; ``"collect"`` makes its result missing, with nullable dtypes such as
                Int32, and puts the text of the RecordError in a column ``error``; ``"drop"`` drops
                the row.
            executor: A ``concurrent.futures`` executor, or a Client of Dask.
            options: What ``Client.submit`` takes, if the executor is a Client.

        Returns:
            The dataframe with the columns of the results; with `executor`, a list of futures, one
            for each partition.

        Raises:
            AttributeError: The module exports no such function.
            TypeError: The function does not fit the columns, or an import cannot be pickled.
            ValueError: `per` or `errors` is none of these words.
        """
        type_ = self._function_type(function)
        names = (out,) if isinstance(out, str) else tuple(out)
        check_type(function, type_, columns, names)
        work = Columns(
            function,
            tuple(columns),
            names,
            tuple(type_.results),
            _one_of("per", per, PER),
            _one_of("errors", errors, ERRORS),
        )
        return over_frames(self, work, dataframe, executor, options)

    def run(
        self, inputs: Any, *, errors: Errors = "raise", executor: Any = None, **options: Any
    ) -> Any:
        """Runs the program (its ``_start``) once for each input. The limits hold for a run.

        An input is bytes or the path of a file, which the program reads as its standard input; or
        the path of a directory or a mapping from paths to bytes, which the program finds as its
        directory "/". Paths are those of the machine on which the program runs.

        Args:
            inputs: A ``dask.bag.Bag`` of inputs; a Delayed, a Future of Dask, or a list of these,
                each of which becomes an input; with `executor`, an iterable of inputs.
            errors: What happens to an input for which the program fails, as for ``map``. An exit
                code that is not 0 is no failure.
            executor: A ``concurrent.futures`` executor, or a Client of Dask.
            options: What ``Client.submit`` takes, as for ``map``.

        Returns:
            A Bag of Run for a Bag. Otherwise a Delayed or a Future, or a list of them, each of
            which gives a Run; or the RecordError if it is collected, or None if it is dropped.

        Raises:
            TypeError: The guest has no configuration for WASI, or an argument has the wrong type.
            ValueError: `errors` is none of these words, or the guest has a directory "/" already.
        """
        check_program(self)
        work = Programs(_one_of("errors", errors, ERRORS))
        return over_records(self, work, inputs, executor, options)

    def _function_type(self, name: str) -> FuncType:
        module = self.module
        type_ = module._export_type(name) if name in module._export_table() else None
        if not isinstance(type_, FuncType):
            raise AttributeError(f"{module!r} exports no function {brief_repr(name)}")
        return type_

    # ---- how it is sent to other processes ----

    def _for_client(self, client: Any) -> Any:
        """Returns a future of a client that has this guest, so that each worker gets it once."""
        known, future = self._shipped
        if known is not client or future.status not in ("pending", "finished"):
            future = client.submit(_itself, self, key=f"pywasm3-guest-{self.digest.hex()}")
            self._shipped = client, future
        return future

    def _for_processes(self) -> LocalCopy:
        """Returns what stands for this guest in the tasks of a pool of processes."""
        if self._copy is None:
            self._copy = LocalCopy(self)
        return self._copy


def _itself(guest: Guest) -> Guest:
    return guest


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        words = " or ".join(map(repr, allowed))
        raise ValueError(f"{name} must be {words}, not {brief_repr(value)}")
    return value
