"""model/flow.py: where pixels come from, and how sure that is."""

import cv2
import numpy as np
import pytest

from model import flow


def texture(height=64, width=96, seed=0):
    """Smooth noise, which a flow can follow."""
    noise = np.random.RandomState(seed).rand(height, width).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_a_shift_is_found_both_ways():
    wide = texture(64, 104)
    first, second = wide[:, :96], wide[:, 4:100]  # what is seen moves 4 to the left
    there, back = flow.connect(first, second)
    here = flow.stay(first.shape).places
    inside = slice(12, 52), slice(16, 80)
    assert np.abs((there.places - here)[inside] - [-4, 0]).max() < 0.3
    assert np.abs((back.places - here)[inside] - [4, 0]).max() < 0.3
    assert (there.trust[inside] == flow.SURE).all()


def test_what_comes_into_view_is_revealed():
    wide = texture(64, 104)
    _, back = flow.connect(wide[:, :96], wide[:, 4:100])
    assert (back.trust[12:52, 94:] == flow.REVEALED).all()


def test_another_scene_is_hardly_sure():
    there, _ = flow.connect(texture(seed=1), texture(seed=2))
    assert (there.trust == flow.SURE).mean() < 0.5


def test_steps_add_up():
    shift = flow.stay((20, 30))
    step = flow.Way(shift.places + np.float32([2, 1]), shift.trust)
    both = flow.follow(step, step)
    moved = (both.places - shift.places)[:15, :20]
    assert np.abs(moved - [4, 2]).max() < 1e-5


def test_what_was_lost_once_stays_lost():
    shift = flow.stay((20, 30))
    trust = shift.trust.copy()
    trust[5, 5] = flow.LOST
    lost = flow.Way(shift.places, trust)
    assert flow.follow(shift, lost).trust[5, 5] == flow.LOST
    assert flow.follow(lost, shift).trust[5, 5] == flow.LOST
    assert (flow.follow(lost, shift).trust == flow.LOST).sum() == 1


@pytest.mark.parametrize("scale", [1, 2])
def test_values_are_carried_at_full_size(scale):
    way = flow.stay((20, 30))
    way = flow.Way(way.places + np.float32([3, 0]), way.trust)
    columns = np.tile(np.arange(30 * scale, dtype=np.float32), (20 * scale, 1))
    carried = flow.carry(columns, way, cv2.INTER_LINEAR)
    inside = carried[:, : 26 * scale] - columns[:, : 26 * scale]
    assert np.abs(inside - 3 * scale).max() < 1e-4


@pytest.mark.parametrize("shape", [(3, 5), (40, 60), (100, 1500)])
def test_any_size_gives_a_grey_that_flow_takes(shape):
    grey = flow.shrink_grey(np.random.RandomState(0).rand(*shape, 3).astype(np.float32))
    assert grey.dtype == np.uint8
    assert min(grey.shape) >= flow.LEAST
    assert max(grey.shape) <= max(flow.SIDE, flow.LEAST)
    flow.connect(grey, grey)
