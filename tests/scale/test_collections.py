# SPDX-License-Identifier: MIT
"""Guests over bags, delayed values and dataframes, with the schedulers of Dask and on a cluster."""

from __future__ import annotations

from typing import Any

import dask
import dask.bag
import dask.dataframe
import numpy
import pandas
import pytest

import pywasm3
from distributed_helpers import guest
from helpers import GUESTS, TESTS, import_file
from pywasm3.distributed import Guest, RecordError, Run
from pywasm3.wasi import WasiConfig

scoring = import_file(TESTS.parent / "benchmarks" / "scoring.py")
SCORE = pywasm3.Module((GUESTS / "score.wasm").read_bytes())
WORDS = pywasm3.Module((GUESTS / "wasi" / "words.wasm").read_bytes())
PRICES = pandas.DataFrame(
    {
        "price": numpy.arange(100, 110, dtype="int32"),
        "units": numpy.array([1, 2, 0, 4, 5, 0, 7, 8, 9, 10], "int32"),
    },
    index=range(1000, 1010),
)
GOOD = PRICES[PRICES.units != 0]


@pytest.fixture(params=["synchronous", "threads", "processes", "cluster"])
def scheduler(request: pytest.FixtureRequest) -> Any:
    """Each way in which Dask computes a collection."""
    if request.param == "cluster":
        return request.getfixturevalue("client")
    return request.param


def unit_prices(frame: Any, **options: Any) -> Any:
    return Guest(SCORE).map_partitions(
        frame, "unit_price", columns=["price", "units"], out="each", **options
    )


# ---- bags and delayed values ----


def test_a_bag_becomes_a_bag_of_results(scheduler: Any) -> None:
    records = dask.bag.from_sequence([(8, 2), (9, 3), (5, 1)], npartitions=2)
    assert guest().map("divide", records).compute(scheduler=scheduler) == [4, 3, 5]


def test_a_record_of_a_bag_that_fails_is_named(scheduler: Any) -> None:
    records = dask.bag.from_sequence([(8, 2), (9, 3), (5, 1), (1, 0)], npartitions=2)
    with pytest.raises(RecordError, match="partition 1, record 1: Trap"):
        guest().map("divide", records).compute(scheduler=scheduler)


def test_further_operations_of_the_bag_follow(scheduler: Any) -> None:
    records = dask.bag.range(100, npartitions=5).map(lambda number: (number, 10))
    assert guest().map("divide", records).frequencies().compute(scheduler=scheduler) == [
        (number, 10) for number in range(10)
    ]


def test_a_delayed_value_is_a_partition(scheduler: Any) -> None:
    partition = dask.delayed([(8, 2), (9, 3)])
    assert guest().map("divide", partition).compute(scheduler=scheduler) == [4, 3]


def test_a_list_of_delayed_values_is_a_list_of_partitions() -> None:
    partitions = [dask.delayed([(8, 2)]), dask.delayed([(1, 0)])]
    _, second = guest().map("divide", partitions, errors="collect")
    assert second.compute()[0].partition == 1


def test_a_bag_of_inputs_becomes_a_bag_of_runs(scheduler: Any) -> None:
    program = Guest(WORDS, wasi=WasiConfig(args=["words"]))
    inputs = dask.bag.from_sequence([b"a b a", b"c"], npartitions=2)
    assert program.run(inputs).compute(scheduler=scheduler) == [
        Run(0, b"a 2\nb 1\n"),
        Run(0, b"c 1\n"),
    ]


def test_a_delayed_input_becomes_a_run() -> None:
    program = Guest(WORDS, wasi=WasiConfig(args=["words"]))
    assert program.run(dask.delayed(b"a")).compute() == Run(0, b"a 1\n")


def test_an_import_that_cannot_travel_is_named_at_submission() -> None:
    sealed = guest()
    sealed._parts = sealed._parts._replace(imports={"env": {"double": pywasm3.Memory(1).grow}})
    with pytest.raises(TypeError, match=r"^the import env\.double cannot travel"):
        sealed.map("twice", dask.bag.from_sequence([1]))


def test_a_lambda_travels(client: Any) -> None:
    records = dask.bag.from_sequence([5])
    triple = Guest(guest().module, {"env": {"double": lambda number: 3 * number}})
    assert triple.map("twice", records).compute(scheduler=client) == [15]


def test_equal_guests_give_tasks_of_equal_names() -> None:
    """Dask then computes them once."""
    records = dask.bag.from_sequence([1])
    assert guest().map("twice", records).name == guest().map("twice", records).name


# ---- dataframes ----


def test_a_dataframe_gets_the_column_of_the_results(scheduler: Any) -> None:
    frame = dask.dataframe.from_pandas(GOOD, npartitions=3)
    expected = GOOD.assign(each=GOOD.price // GOOD.units)
    pandas.testing.assert_frame_equal(unit_prices(frame).compute(scheduler=scheduler), expected)


def test_a_dataframe_of_pandas_is_computed_at_once() -> None:
    expected = GOOD.assign(each=GOOD.price // GOOD.units)
    pandas.testing.assert_frame_equal(unit_prices(GOOD), expected)


def test_the_scores_are_those_of_the_same_rule_in_python() -> None:
    random = numpy.random.default_rng(1)
    names = ["income", "costs", "loan", "rate"]
    frame = pandas.DataFrame(
        random.uniform(0, 1, (1000, 4)) * [5000, 5000, 20_000, 0.02], columns=names
    )
    scored = Guest(SCORE).map_partitions(frame, "score", columns=names, out="score")
    assert scored.score.tolist() == [scoring.score(*row) for row in frame.itertuples(index=False)]


def test_a_row_that_fails_is_named() -> None:
    with pytest.raises(RecordError, match="partition 0, record 2: Trap"):
        unit_prices(PRICES)


def test_dropped_rows_are_missing(scheduler: Any) -> None:
    frame = dask.dataframe.from_pandas(PRICES, npartitions=3)
    found = unit_prices(frame, errors="drop").compute(scheduler=scheduler)
    pandas.testing.assert_frame_equal(found, GOOD.assign(each=GOOD.price // GOOD.units))


def test_rows_with_equal_labels_are_not_dropped_together() -> None:
    frame = PRICES.set_axis([0] * len(PRICES))
    assert len(unit_prices(frame, errors="drop")) == len(GOOD)


def test_collected_rows_have_a_missing_result_and_a_text(scheduler: Any) -> None:
    frame = dask.dataframe.from_pandas(PRICES, npartitions=3)
    found = unit_prices(frame, errors="collect").compute(scheduler=scheduler)
    failed = found[found.error.notna()]
    assert failed.index.tolist() == [1002, 1005]
    assert failed.each.isna().all()
    assert failed.error.str.startswith(("partition 0, record 2", "partition 1, record 1")).all()
    assert found.each.dropna().tolist() == (GOOD.price // GOOD.units).tolist()


@pytest.mark.parametrize("errors", ["raise", "collect", "drop"])
def test_the_types_that_dask_is_told_are_those_of_the_results(errors: Any) -> None:
    frame = dask.dataframe.from_pandas(GOOD, npartitions=2)
    lazy = unit_prices(frame, errors=errors)
    pandas.testing.assert_series_equal(lazy.dtypes, lazy.compute().dtypes)


def test_per_record_gives_the_same_results() -> None:
    pandas.testing.assert_frame_equal(unit_prices(GOOD, per="record"), unit_prices(GOOD))


def test_the_fuel_of_a_partition_ends_for_all_rows_behind() -> None:
    """A row takes one unit."""
    limited = Guest(SCORE, limits=pywasm3.Limits(fuel=3))
    found = limited.map_partitions(
        GOOD, "unit_price", columns=["price", "units"], out="each", errors="collect"
    )
    assert found.each.notna().tolist() == [True] * 3 + [False] * 5


def test_dataframes_may_be_partitions_of_an_executor(client: Any) -> None:
    futures = unit_prices([GOOD[:3], GOOD[3:]], executor=client)
    whole = pandas.concat([future.result(timeout=60) for future in futures])
    pandas.testing.assert_frame_equal(whole, unit_prices(GOOD))


def test_an_empty_partition_gives_an_empty_partition() -> None:
    assert unit_prices(GOOD[:0]).columns.tolist() == ["price", "units", "each"]


def test_a_column_that_does_not_fit_names_the_columns() -> None:
    frame = GOOD.assign(price=GOOD.price.astype("float64"))
    with pytest.raises(TypeError) as caught:
        unit_prices(frame)
    assert caught.value.__notes__ == ["in partition 0, columns ('price', 'units')"]


def test_a_function_that_does_not_fit_the_columns_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="does not fit 1 column and 1 result"):
        Guest(SCORE).map_partitions(GOOD, "unit_price", columns=["price"], out="each")


def test_a_column_error_of_the_user_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="has a column 'error'"):
        unit_prices(GOOD.assign(error=""), errors="collect")
