"""What Hypothesis draws for the tests of the equations: alphas and colours."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

light = settings(max_examples=40, deadline=None)  # the cores may be busy
UNIT = st.floats(0, 1, width=32, allow_subnormal=False)
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


def maps(shape):
    """Alphas with many exact 0 and 1."""
    levels = st.one_of(st.sampled_from([0.0, 1.0]), UNIT)
    return arrays.arrays(np.float32, shape, elements=levels)


def colours(shape):
    return arrays.arrays(np.float32, (*shape, 3), elements=UNIT)
