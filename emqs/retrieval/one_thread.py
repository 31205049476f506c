"""One thread of the linear algebra library, for work whose matrices are too small for several."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_is_set = threading.Lock()  # held by the one who set it


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy multiply matrices with one thread, in the whole process, until it is left.

    Threads of a product that takes a millisecond mostly wait for each other, and keep processors
    busy meanwhile. May be entered again inside. Where several threads enter, the first one counts
    for all, and sets back what it set itself, since OpenBLAS hears no other thread.
    """
    from threadpoolctl import threadpool_limits

    if not _is_set.acquire(blocking=False):
        yield
        return
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _is_set.release()
