# SPDX-License-Identifier: MIT
"""A graph of structures and arrays stays what Python made of it, whatever is collected meanwhile.

Hypothesis makes random sequences of operations. The model is a graph of lists of Python: each node
is a list of a number, another node or None, and a list of nodes. Nodes are forgotten on both sides,
and the guest makes garbage, so that the heap is collected and its cells are used again.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import pywasm3
from helpers import SANITIZED, load
from pywasm3 import Array, Struct

TEXT = """(module
  (rec
    (type $node (struct (field $number (mut i64)) (field $next (mut (ref null $node)))
      (field $others (mut (ref null $nodes)))))
    (type $nodes (array (mut (ref null $node)))))
  (func (export "churn") (param i32)
    (loop $l
      (drop (struct.new $node (i64.const -1) (ref.null $node)
        (array.new_default $nodes (i32.and (local.get 0) (i32.const 63)))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "next") (param (ref $node)) (result (ref null $node))
    (struct.get $node $next (local.get 0)))
  (func (export "link") (param (ref $node) (ref null $node))
    (struct.set $node $next (local.get 0) (local.get 1))))"""

MOST = 12
places = st.integers(0, MOST - 1)


class HeapMachine(RuleBasedStateMachine):
    """Does the same to nodes of the guest and to the model, and compares what can be reached."""

    @initialize()
    def begin(self) -> None:
        self.guest = load(TEXT)
        self.real: list[Any] = [None] * MOST
        self.model: list[Any] = [None] * MOST

    @rule(place=places, number=st.integers(-(2**63), 2**63 - 1), next=places)
    def make(self, place: int, number: int, next: int) -> None:
        """Makes a node, in place of another one that Python forgets."""
        self.real[place] = Struct(self.guest, "node", (number, self.real[next]))
        self.model[place] = [number, self.model[next], None]

    @rule(place=places, chosen=st.lists(places, max_size=5))
    def make_array(self, place: int, chosen: list[int]) -> None:
        if self.real[place] is not None:
            self.real[place]["others"] = Array(self.guest, "nodes", [self.real[i] for i in chosen])
            self.model[place][2] = [self.model[i] for i in chosen]

    @rule(place=places, index=st.integers(0, 4), other=places)
    def change_array(self, place: int, index: int, other: int) -> None:
        node = self.model[place]
        if node is not None and node[2] is not None and index < len(node[2]):
            self.real[place]["others"][index] = self.real[other]
            node[2][index] = self.model[other]

    @rule(place=places, other=places, by_guest=st.booleans())
    def link(self, place: int, other: int, by_guest: bool) -> None:
        if self.real[place] is None:
            return
        if by_guest:
            self.guest.exports.link(self.real[place], self.real[other])
        else:
            self.real[place]["next"] = self.real[other]
        self.model[place][1] = self.model[other]

    @rule(place=places, other=places, by_guest=st.booleans())
    def follow(self, place: int, other: int, by_guest: bool) -> None:
        node = self.real[place]
        if node is not None:
            self.real[other] = self.guest.exports.next(node) if by_guest else node["next"]
            self.model[other] = self.model[place][1]

    @rule(place=places)
    def forget(self, place: int) -> None:
        self.real[place] = self.model[place] = None

    @rule(count=st.sampled_from([10, 1000, 20_000]))
    def churn(self, count: int) -> None:
        self.guest.exports.churn(count)

    @invariant()
    def all_nodes_are_those_of_the_model(self) -> None:
        if not hasattr(self, "guest"):
            return
        pairs = list(zip(self.real, self.model, strict=True))
        twins: dict[int, Struct] = {}
        while pairs:
            real, model = pairs.pop()
            assert (real is None) == (model is None)
            if model is None:
                continue
            if id(model) in twins:
                assert twins[id(model)] == real
                continue
            twins[id(model)] = real
            assert real["number"] == model[0]
            pairs.append((real["next"], model[1]))
            others = real["others"]
            assert (others is None) == (model[2] is None)
            if others is not None:
                assert len(others) == len(model[2])
                pairs += zip(others, model[2], strict=True)
        assert len(set(twins.values())) == len(twins)

    def teardown(self) -> None:
        """Closes the store while Python has objects of it."""
        self.guest.store.close()
        for node in self.real:
            if node is not None:
                with pytest.raises(pywasm3.WasmError):
                    node["number"]
        gc.collect()


TestHeap = HeapMachine.TestCase
TestHeap.settings = settings(max_examples=10 if SANITIZED else 40, stateful_step_count=30)
