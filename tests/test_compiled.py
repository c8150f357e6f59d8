"""Functions compiled by numba, with and without a place to keep them."""

import numpy as np
from numba.core.caching import CacheImpl

from model.compiled import compiled


def double(values):
    """Takes and gives (N,) float64."""
    return 2 * values


def test_a_function_is_kept_beside_the_code():
    function = compiled()(double)
    assert function.stats.cache_path is not None
    assert function(np.ones(3)).tolist() == [2, 2, 2]


def test_without_a_place_to_keep_it_a_function_is_compiled_all_the_same(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    function = compiled(fastmath=True)(double)
    assert function.stats.cache_path is None
    assert function(np.ones(3)).tolist() == [2, 2, 2]
