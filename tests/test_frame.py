import cv2
import numpy as np
import pytest

from model import cutout, frame

NONE = frame.Cuts(False, False, False, False)


def disc(side, radius):
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1).astype(np.float32)


@pytest.mark.parametrize("side", [32, 100, 999])
def test_a_disc_that_just_fits_its_picture_is_not_cut(side):
    assert frame.find_cuts(disc(side, side / 2)) == NONE
    assert frame.find_cuts(disc(side, side / 2 - 1)) == NONE


@pytest.mark.parametrize("turns", range(4))
def test_a_cut_is_found_on_its_side(turns):
    portrait = disc(100, 40)[:60]
    sides = np.rot90([[0, 1, 0], [4, 0, 3], [0, 2, 0]], turns)  # top 1, bottom 2, ...
    places = {"top": (0, 1), "bottom": (2, 1), "left": (1, 0), "right": (1, 2)}
    found = frame.find_cuts(np.ascontiguousarray(np.rot90(portrait, turns)))
    assert found._asdict() == {name: sides[at] == 2 for name, at in places.items()}


def test_a_stray_hair_at_the_frame_is_no_cut_and_a_faint_veil_is():
    alpha = np.zeros((200, 200), np.float32)
    alpha[50:, 50:52] = 1
    assert frame.find_cuts(alpha) == NONE
    alpha[50:, 20:180] = 0.3
    assert frame.find_cuts(alpha).bottom
    assert frame.find_cuts(np.round(alpha * 255).astype(np.uint8)).bottom


def test_beyond_a_cut_the_object_goes_on_and_beyond_other_sides_is_nothing():
    layers = np.ones((20, 20, 4), np.float32)
    middle = np.float32([[1, 0, 20], [0, 1, 20]])  # the picture at 20:40 of 60
    cuts = frame.Cuts(top=False, bottom=True, left=False, right=True)
    warped = frame.warp(layers, middle, 60, cv2.INTER_LINEAR, cuts)
    expected = np.zeros((60, 60))
    expected[20:, 20:] = 1
    np.testing.assert_array_equal(warped[..., 3], expected)


def test_without_cuts_it_is_the_plain_transform():
    layers = np.random.default_rng(0).random((30, 40, 4), np.float32)
    turn = np.float32([[0.8, -0.6, 12], [0.6, 0.8, -5]])
    np.testing.assert_array_equal(
        frame.warp(layers, turn, 50, cv2.INTER_CUBIC, NONE),
        cv2.warpAffine(layers, turn, (50, 50), flags=cv2.INTER_CUBIC),
    )


def test_no_crop_shows_the_straight_end_of_a_cut_object():
    """A column from top to bottom leaves room on its left and right alone."""
    alpha = np.zeros((200, 200), np.float32)
    alpha[:, 70:130] = 1
    source = cutout.prepare(np.ones((200, 200, 3), np.float32), alpha)
    assert source.cuts == frame.Cuts(True, True, False, False)
    for seed in range(40):
        _, crop = cutout.crop(source, 96, np.random.default_rng(seed))
        is_column = (crop > 0.5).astype(np.uint8)
        assert cv2.connectedComponents(1 - is_column)[0] <= 3
        assert is_column[[0, -1]].any() or is_column[:, [0, -1]].any()
