"""BLAS on one thread: while anybody wants it, and not a moment longer."""

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  # its BLAS is another than NumPy's
from threadpoolctl import ThreadpoolController

from model import prior, threads


@pytest.fixture
def numbers():
    """Gives BLAS three threads, and a way to ask how many it has."""
    controller = ThreadpoolController().select(user_api="blas")
    if not controller.lib_controllers:
        pytest.skip("no BLAS whose threads can be set")
    with controller.limit(limits=3):
        yield lambda: {library["num_threads"] for library in controller.info()}


def test_blas_has_one_thread_until_the_last_caller_leaves(numbers):
    assert numbers() == {3}
    first, second = threads.one_blas_thread(), threads.one_blas_thread()
    first.__enter__()
    assert numbers() == {1}
    second.__enter__()
    first.__exit__(None, None, None)  # they overlap, as calls of two threads do
    assert numbers() == {1}
    second.__exit__(None, None, None)
    assert numbers() == {3}


def test_an_error_leaves_no_limit_behind(numbers):
    with pytest.raises(ValueError, match="inside"):
        with threads.one_blas_thread():
            raise ValueError("inside")
    assert numbers() == {3}


@pytest.mark.parametrize("is_fine", [True, False])
def test_the_first_guess_keeps_blas_to_one_thread(numbers, monkeypatch, is_fine):
    seen = []

    def solve(*arguments):
        seen.append(numbers())
        return before(*arguments)

    before = prior.solve
    monkeypatch.setattr(prior, "solve", solve)
    trimap = np.repeat(np.uint8([0, 128, 255]), 16)[None].repeat(48, axis=0)
    image = np.random.default_rng(0).random((48, 48, 3), np.float32)
    prior.first_guess(image, trimap, is_fine)
    assert seen == [{1}] * (2 if is_fine else 1)
    assert numbers() == {3}
