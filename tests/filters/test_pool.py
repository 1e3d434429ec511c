"""Tasks over worker processes."""

import gc

import pytest

from filters.engine.pool import pool


def collects(task):
    """Whether the collector of cycles is on, and the task."""
    return gc.isenabled(), task


def refuses(task):
    raise ValueError(task)


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_done_in_order_and_without_the_collector(workers):
    with pool(workers) as workers_of:
        assert list(workers_of.map(collects, range(7))) == [(False, task) for task in range(7)]


def test_after_work_the_collector_is_as_it_was():
    with pool(1) as here:
        list(here.map(collects, [1]))
        assert gc.isenabled()
        with pytest.raises(ValueError, match="one"):
            list(here.map(refuses, ["one"]))
        assert gc.isenabled()
        gc.disable()
        try:
            list(here.map(collects, [1]))
            assert not gc.isenabled()
        finally:
            gc.enable()
