# SPDX-License-Identifier: MIT
"""Which instances of a store live: anchors, through which Python reaches them, and collection.

Python reaches an instance through anchors, which exports and functions refer to. Wasm reaches it
through tables, globals and imports, which Python cannot see. So the Python objects that an instance
needs belong to a `Tenant`, to which its anchors refer. When the last anchor goes, the instance is
no longer held, and the store refers to the tenant until a collection finds that wasm does not reach
the instance.

An anchor can also be part of garbage that Python's collector has found. Its finalizer must then not
free anything, because another finalizer may bring the anchor back to life, and Python calls each
finalizer once. So the finalizer makes an heir, which only the anchor refers to: the heir's own
finalizer runs when the anchor is really gone.
"""

from __future__ import annotations

from _weakref import ref

from .._ffi import ffi, lib
from .externs import MARK, sweep
from .turns import UNSETTLED, after_leaving, notify, turn_depth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .host import HostFunction
    from .store import Store

    Pointer = Any

# How many places of a store may be examined for each anchor that was freed.
_PLACES_PER_ANCHOR = 65536


class Tenant:
    """What an instance needs of Python."""

    __slots__ = ("__weakref__", "anchor", "freed", "hosts", "is_held", "object", "origins", "token")

    def __init__(self, hosts: tuple[HostFunction, ...], origins: tuple[Anchor, ...]) -> None:
        self.token = 0
        self.object: Pointer = None  # None: the instance is freed
        self.freed: Pointer = ffi.new("bool *")  # functions look at it before they are called
        self.hosts = hosts
        self.origins = origins  # only for Python's collector: wasm's references keep the instances
        self.is_held = False
        self.anchor: ref[Anchor] | None = None

    def hold(self) -> None:
        """Notes that Python reaches the instance."""
        if not self.is_held and self.object is not None:
            self.is_held = True
            lib.pw_object_hold(self.object)

    def drop(self) -> None:
        """Notes that Python no longer reaches it, as far as is known."""
        if self.is_held and self.object is not None:
            self.is_held = False
            lib.pw_object_drop(self.object)

    def is_anchored(self) -> bool:
        """Returns whether an anchor exists, which Python may reach."""
        return self.anchor is not None and self.anchor() is not None


class Anchor:
    """What keeps an instance, a table, a global or a tag of a store."""

    __slots__ = ("__weakref__", "_heir", "_object", "_store", "_tenant")

    _heir: Anchor | _Drop | None
    _object: Pointer
    _store: Store
    _tenant: Tenant | None

    def __new__(cls, *args: object) -> Anchor:
        """Refuses: only a store makes anchors."""
        raise TypeError("cannot create 'pywasm3._cpython.Anchor' instances")

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3._cpython.Anchor' is not an acceptable base type")

    @property
    def _address(self) -> int:
        """The address of the object of the engine, valid while the store is open."""
        return int(ffi.cast("uintptr_t", self._object))

    def __del__(self) -> None:
        """Lets the store know that Python no longer reaches the object, as it seems."""
        if not is_usable(getattr(self, "_store", None)):
            return
        tenant = self._tenant
        if tenant is None:
            self._heir = _Drop(self._store, self._object)
        elif not tenant.is_held:  # this is the heir of an anchor that is gone
            if tenant.anchor is not None and tenant.anchor() is self:
                tenant.anchor = None
            dropped(self._store)
        elif tenant.anchor is None or tenant.anchor() in (None, self):
            self._heir = _make_heir(self._store, tenant)


def is_usable(store: Store | None) -> bool:
    """Returns whether a finalizer may use a store, which Python may have begun to free."""
    return getattr(store, "_pointer", None) is not None and not store._orphaned  # type: ignore


class _Drop:
    """Gives up a table, a global or a tag when the anchor that refers to this object is gone."""

    __slots__ = ("object", "store")

    def __init__(self, store: Store, object: Pointer) -> None:
        self.store = store
        self.object = object

    def __del__(self) -> None:
        if is_usable(self.store):
            with self.store._lock:
                if self.store._pointer is not None:
                    lib.pw_object_drop(self.object)
            dropped(self.store)


def _new(store: Store, object: Pointer, tenant: Tenant | None) -> Anchor:
    anchor: Anchor = _object_new(Anchor)
    anchor._store, anchor._object, anchor._tenant, anchor._heir = store, object, tenant, None
    return anchor


_object_new = object.__new__


def new_anchor(store: Store, object: Pointer) -> Anchor:
    """Returns an anchor of a table, a global or a tag of the store, which is entered."""
    lib.pw_object_hold(object)
    return _new(store, object, None)


def anchor_of(store: Store, tenant: Tenant) -> Anchor:
    """Returns the anchor of an instance of the store, which is entered."""
    with store._lock:
        anchor = tenant.anchor() if tenant.anchor is not None else None
        if anchor is None:
            anchor = _new(store, tenant.object, tenant)
            tenant.anchor = ref(anchor)
        tenant.hold()
        _settle_in(store, tenant, False)
    return anchor


def _settle_in(store: Store, tenant: Tenant, keeps: bool) -> None:
    """Lets the store refer to a tenant, or only know it as long as something else does."""
    if keeps:
        store._unheld[tenant.token] = tenant
        store._tenants.pop(tenant.token, None)
    else:
        store._tenants[tenant.token] = ref(tenant)
        store._unheld.pop(tenant.token, None)


def add_tenant(store: Store, tenant: Tenant, instance: Pointer) -> None:
    """Adds a tenant whose instance exists now, and is not held."""
    tenant.object = ffi.cast("pw_object *", instance)
    with store._lock:
        _settle_in(store, tenant, True)


def tenant_of(store: Store, token: int) -> Tenant:
    """Returns the tenant with the number that its instance has as its embedder."""
    found = store._unheld.get(token)
    if found is None:
        found = store._tenants[token]()
    assert found is not None, "an instance that wasm reaches has a tenant"
    return found


# ---- the end of a hold ---------------------------------------------------------------------------


def _may_reach(store: Store, tenant: Tenant) -> bool:
    """Returns whether wasm may reach an instance, which is not held.

    That is known only while no call runs, and not worth its price each time in a large store.
    """
    if not lib.pw_gate_enter(store._turn, True):
        notify(store)
        return True
    try:
        if turn_depth(store._turn) > 1:
            notify(store)
            return True
        store._asked += 1
        if store._asked < store._places // _PLACES_PER_ANCHOR:
            return True
        store._asked = 0
        store._places = lib.pw_store_mark(store._pointer, ffi.NULL, ffi.NULL)
        return bool(lib.pw_object_marked(tenant.object))
    finally:
        # Settling can run other code, so it is left to the heir or to the next call.
        lib.pw_gate_leave_to(store._turn, turn_depth(store._turn) - 1)


def _make_heir(store: Store, tenant: Tenant) -> Anchor:
    """Ends the hold of an instance whose anchor is garbage, and returns the heir of the anchor."""
    with store._lock:
        heir = _new(store, tenant.object, tenant)
        tenant.origins = ()
        tenant.drop()
        tenant.anchor = ref(heir)
        store._dropped += 1
        _settle_in(store, tenant, _may_reach(store, tenant))
    return heir


def dropped(store: Store) -> None:
    """Notes that an anchor is gone, and collects if that is worth its price and no call runs."""
    if not is_usable(store):
        return
    store._dropped += 1
    if is_due(store):
        lib.pw_gate_add_bits(store._turn, UNSETTLED)
        if not lib.pw_gate_owner(store._turn):
            after_leaving(store)


def overwritten(store: Store) -> None:
    """Notes that a reference may have been overwritten, in case it was the last to an instance."""
    if store._unheld:
        store._dropped += 1
        notify(store)


# ---- collection ----------------------------------------------------------------------------------


def is_due(store: Store) -> bool:
    """Returns whether enough has gone for the next collection to be worth its price."""
    few = store._dropped < max(store._places // _PLACES_PER_ANCHOR, 1)
    return not few or store._externs.is_due()


def _all_tenants(store: Store) -> list[Tenant]:
    known = [each() for each in store._tenants.values()]
    return [*store._unheld.values(), *(each for each in known if each is not None)]


def collect(store: Store) -> list[Any]:
    """Frees what nobody can reach in the store, which is entered, and in which no call runs.

    Returns:
        Python objects that the store no longer refers to. The caller drops them when it has let go
        of the lock: that can run Python code.
    """
    marks = store._externs.marks()
    places = lib.pw_store_mark(store._pointer, MARK, marks.pointer)
    tenants = _all_tenants(store)
    for tenant in tenants:
        if tenant.is_anchored() and not lib.pw_object_marked(tenant.object):
            # Whether Python reaches the anchor is for its own collector to find out.
            tenant.hold()
            _settle_in(store, tenant, False)
            places += lib.pw_store_mark_object(store._pointer, tenant.object, MARK, marks.pointer)
    dead = [each for each in tenants if not lib.pw_object_marked(each.object)]
    for tenant in dead:
        tenant.freed[0] = True
        tenant.object = None
        store._unheld.pop(tenant.token, None)
        store._tenants.pop(tenant.token, None)
    for number in [number for number, each in store._tenants.items() if each() is None]:
        del store._tenants[number]
    if dead:  # new functions may get the addresses of freed ones
        store._known.clear()
    lib.pw_store_sweep(store._pointer)
    store._dropped, store._places = 0, places
    return [dead, sweep(store, marks, places)]
