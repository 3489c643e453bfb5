# SPDX-License-Identifier: MIT
"""A cluster of Dask on this machine: two workers, each a process with one thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

# Workers write their complaints, such as those of a task that fails, to the log. No test reads it.
dask.config.set({"logging.distributed": "critical", "distributed.admin.tick.limit": "30s"})


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
