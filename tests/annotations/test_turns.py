"""Turns: how many are at work, in which order they come, and how long one waits."""

import threading
import time

import pytest

from emqs.annotations.turns import Turns


def test_not_more_than_allowed_are_at_work() -> None:
    turns = Turns(2, 60.0, RuntimeError)
    order: list[int] = []
    busy: list[int] = []
    lock = threading.Lock()
    begin = threading.Event()

    def work(number: int) -> None:
        with turns.one():
            begin.wait(60)
            with lock:
                order.append(number)
                busy.append(turns._busy)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for number, thread in enumerate(threads):
        thread.start()
        end = time.monotonic() + 20
        while turns._busy + turns.n_waiting <= number:
            assert time.monotonic() < end
            time.sleep(0.001)
    assert (turns._busy, turns.n_waiting) == (2, 6)
    begin.set()
    for thread in threads:
        thread.join()
    assert max(busy) == 2
    assert sorted(order) == list(range(8))
    assert (turns._busy, turns.n_waiting) == (0, 0)


def test_one_at_a_time_come_exactly_in_order() -> None:
    turns = Turns(1, 60.0, RuntimeError)
    order: list[int] = []

    def work(number: int) -> None:
        with turns.one():
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    with turns.one():
        for number, thread in enumerate(threads):
            thread.start()
            end = time.monotonic() + 20
            while turns.n_waiting <= number:
                assert time.monotonic() < end
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(12))


def test_who_waits_too_long_is_told_so() -> None:
    turns = Turns(1, 0.05, lambda: RuntimeError("busy"))
    with turns.one():
        with pytest.raises(RuntimeError, match="busy"), turns.one():
            pass
        assert turns.n_waiting == 0
    with turns.one() as busy:  # the place in the row is free again
        assert busy == 1
