"""Threads of the linear algebra libraries (BLAS), which get in the way of others.

OpenBLAS lets its threads spin for some 25 milliseconds after each call, on the cores
that whatever comes next needs: the network takes a third longer behind a solver with
two of them than behind one with one (log/README.md).
"""

import contextlib
import functools
import threading
from collections.abc import Iterator

from threadpoolctl import ThreadpoolController

LOCK = threading.Lock()
HELD = []  # the limit, once for each caller that wants it


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to the calling thread, in all of the process, while it lasts.

    Callers may overlap in any way: what was set before the first comes back after the
    last. Libraries that are loaded only after the first call of all are not kept.
    """
    with LOCK:
        HELD.append(HELD[-1] if HELD else _controller().limit(limits=1))
    try:
        yield
    finally:
        with LOCK:
            limit = HELD.pop()
            if not HELD:
                _hand_over()
                limit.restore_original_limits()
                _hand_over()


def _hand_over() -> None:
    """Lets any thread change limits, which since threadpoolctl 3.8 the first one owns.

    The last caller to leave need not be the first to have come, whose thread may
    live on.
    """
    for library in _controller().lib_controllers:
        release = getattr(library, "clear_controlling_thread", None)
        if release:
            release(force=True)


@functools.cache
def _controller() -> ThreadpoolController:
    """Finds the BLAS libraries of this process, which takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")
