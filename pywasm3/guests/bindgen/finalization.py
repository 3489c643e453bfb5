# SPDX-License-Identifier: MIT
"""FinalizationRegistry: frees what objects of the guest's classes own when Python forgets them.

The garbage collector can run anywhere, also while the guest runs. So it only notes which objects
are gone, and the functions of the registry run when the next call from Python begins.
"""

from __future__ import annotations

import weakref

from .natives import namespace
from .operators import type_error
from .properties import call
from .values import SLOT_BYTES, Charged, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .realm import Realm
    from .values import Object


class _Entries:
    """The objects that a registry watches.

    Attributes:
        watched: By the identity of the token under which an object was registered.
    """

    __slots__ = ("watched",)

    def __init__(self) -> None:
        self.watched: dict[int, weakref.ref[Any]] = {}


def new_registry(realm: Realm, this: Any, function: Any) -> Object:
    """Makes a registry, which calls a function for each object that is gone."""
    entries = _Entries()

    def register(realm: Realm, this: Any, target: Any, held: Any, token: Any) -> Any:
        if not isinstance(target, Charged):
            raise type_error("FinalizationRegistry.register takes an object")
        key = id(token) if token is not undefined else id(target)

        def gone(reference: weakref.ref[Any]) -> None:
            if entries.watched.get(key) is reference:
                del entries.watched[key]
                realm.gone.append((function, held))

        target.charge(4 * SLOT_BYTES)
        entries.watched[key] = weakref.ref(target, gone)
        return undefined

    def unregister(realm: Realm, this: Any, token: Any) -> bool:
        return entries.watched.pop(id(token), None) is not None

    return namespace(realm, {"register": register, "unregister": unregister})


def finalize(realm: Realm) -> None:
    """Calls the functions of registries for the objects that are gone.

    Those that go meanwhile have to wait for the next call, so that this ends.
    """
    for _ in range(len(realm.gone)):
        function, held = realm.gone.popleft()
        try:
            call(function, undefined, [held])
        except Exception as error:
            if not realm.catchable(error):
                raise
