"""Functions compiled by numba, which are kept for later runs where there is room."""

from collections.abc import Callable

import numba


def compiled(**options) -> Callable[[Callable], Callable]:
    """Compiles a function that lets other threads run meanwhile (the GIL go).

    Args:
        **options: More of `numba.njit`.

    Returns:
        The decorator. What it compiles is stored beside the code, or else in the
        user's folder for caches; where neither can be written, as in a container that
        is read-only, it is compiled in each process anew, which takes some seconds.
    """

    def decorate(function: Callable) -> Callable:
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # "cannot cache function": no folder for it
            return numba.njit(nogil=True, **options)(function)

    return decorate
