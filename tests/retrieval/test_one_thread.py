"""While a search runs, products of small matrices have one thread; afterwards as many as before."""

import threading

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from threadpoolctl import threadpool_info, threadpool_limits

from emqs.retrieval.one_thread import one_blas_thread
from emqs.retrieval.scorers import heads
from emqs.retrieval.scorers.space import Space
from emqs.retrieval.settings import QueryConfig


def threads() -> set[int]:
    """Return how many threads BLAS has, of every library that is loaded."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_until_the_first_one_leaves() -> None:
    inside, may_leave = threading.Event(), threading.Event()
    seen: list[set[int]] = []

    def other() -> None:
        with one_blas_thread():
            seen.append(threads())
            inside.set()
            assert may_leave.wait(60)

    with threadpool_limits(2, user_api="blas"):
        worker = threading.Thread(target=other)
        with one_blas_thread():
            assert threads() == {1}
            with one_blas_thread():
                assert threads() == {1}
            assert threads() == {1}
            worker.start()
            assert inside.wait(60)
        assert threads() == {2}  # although the other is still inside
        may_leave.set()
        worker.join(60)
        assert seen == [{1}]
        assert threads() == {2}
        with one_blas_thread():
            assert threads() == {1}


def test_an_error_inside_changes_nothing() -> None:
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            _ = 1 / 0
        assert threads() == {2}
        with one_blas_thread():
            assert threads() == {1}


def test_a_head_is_fitted_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []

    def minimize(*_: object, **__: object) -> OptimizeResult:
        seen.append(threads())
        return OptimizeResult(x=np.zeros(4))

    monkeypatch.setattr("scipy.optimize.minimize", minimize)
    codes = np.ones((2, 3))
    with threadpool_limits(2, user_api="blas"):
        heads.HEADS["logistic"](
            heads.TrainingExamples(codes, codes, codes),
            QueryConfig(scorer="logistic"),
            Space(None, None, unit=True),
        )
    assert seen == [{1}]
