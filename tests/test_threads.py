"""BLAS on one thread: while anybody wants it, and not a moment longer.

Each in a process of its own: the limits are those of all of a process, and since
threadpoolctl 3.8 of the thread that set them first.
"""

import subprocess
import sys

import pytest

BEGIN = """
import numpy as np
import scipy.linalg  # its BLAS is another than NumPy's
from threadpoolctl import ThreadpoolController
from model import prior, threads

controller = ThreadpoolController().select(user_api="blas")
assert controller.lib_controllers, "no BLAS whose threads can be set"
controller.limit(limits=3)
threads._hand_over()

def numbers():
    return {library["num_threads"] for library in controller.info()}

assert numbers() == {3}
"""
OVERLAP = """
from concurrent.futures import ThreadPoolExecutor

def leave(limit):
    limit.__exit__(None, None, None)

with ThreadPoolExecutor(1) as other:  # a thread that lives on
    for _ in range(2):
        first, second = threads.one_blas_thread(), threads.one_blas_thread()
        other.submit(first.__enter__).result()
        assert numbers() == {1}
        second.__enter__()
        other.submit(leave, first).result()
        assert numbers() == {1}
        leave(second)
        assert numbers() == {3}
"""
ERROR = """
try:
    with threads.one_blas_thread():
        assert numbers() == {1}
        raise ValueError
except ValueError:
    pass
assert numbers() == {3}
"""
GUESS = """
seen, before = [], prior.solve

def solve(*arguments):
    seen.append(numbers())
    return before(*arguments)

prior.solve = solve
trimap = np.repeat(np.uint8([0, 128, 255]), 16)[None].repeat(48, axis=0)
image = np.random.default_rng(0).random((48, 48, 3), np.float32)
for is_fine in (True, False):
    prior.first_guess(image, trimap, is_fine)
    assert numbers() == {3}
assert seen == [{1}] * 3
"""


@pytest.mark.parametrize(
    "script", [OVERLAP, ERROR, GUESS], ids=["overlap", "error", "guess"]
)
def test_blas_has_one_thread_until_the_last_caller_leaves(script):
    result = subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
