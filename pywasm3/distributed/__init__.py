# SPDX-License-Identifier: MIT
"""Guests over the records of many partitions: on threads, processes, or the machines of Dask.

::

    from pywasm3 import Limits, Module
    from pywasm3.distributed import Guest

    guest = Guest(Module(data), limits=Limits(fuel=1_000_000))
    scores = guest.map("score", bag)  # of dask.bag
    frame = guest.map_partitions(frame, "score", columns=["x", "y"], out="score")

A ``Guest`` is a module with what its instances need. It can be pickled: each process that gets it
decodes the module once, and keeps a pool of instances. Dask is needed only for its own collections
(``pip install 'pywasm3-cffi[dask]'``). docs/scale.md describes all of this.
"""

# The modules, in the order in which to read them:
#
# - `_guest` has the class Guest, and `_submitting` hands its work to Dask or to an executor.
# - The kinds of work are in `_records`, `_columns` and `_programs`. Each gets its instances from
#   `_uses`, and `_cancelling` stops it.
# - `_shipping` brings a guest to another process.

from ._guest import Guest
from ._programs import Run
from ._records import RecordError

__all__ = ["Guest", "RecordError", "Run"]

for _class in (Guest, RecordError, Run):
    _class.__module__ = __name__
del _class
