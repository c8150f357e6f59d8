"""model/propagate.py: trimaps between key frames."""

import numpy as np
import pytest

from model import matting, propagate
from scripts.measure import clips

COUNT = 7


@pytest.fixture(scope="module")
def clip(layer_folders):
    """A disc that moves over a board, and its painted trimaps."""
    foregrounds, backgrounds = layer_folders
    frames = list(
        clips.make_clip(
            foregrounds / "disca.png", backgrounds / "board0.png", (128, 96), COUNT
        )
    )
    return frames, [matting.trimap_from_alpha(frame.alpha, 3, 3) for frame in frames]


def run(clip, keys):
    frames, painted = clip
    asked = []

    def read(number, image):
        asked.append(number)
        assert (image == frames[number].image).all()
        return painted[number]

    pictures = (frame.image for frame in frames)
    guides = list(propagate.propagate(pictures, keys, read))
    assert asked == sorted(keys)
    return guides


@pytest.mark.parametrize("keys", [{0, 6}, {0}, {6}, {2, 3}, {3}])
def test_every_frame_has_a_trimap_that_is_right_and_of_use(clip, keys):
    frames, painted = clip
    guides = run(clip, keys)
    assert len(guides) == COUNT
    for number, (guide, frame) in enumerate(zip(guides, frames, strict=True)):
        assert guide.is_propagated == (number not in keys)
        assert set(np.unique(guide.trimap)) <= set(matting.CODES)
        alpha = frame.alpha
        wrong = (guide.trimap == matting.FOREGROUND) & (alpha < 0.9)
        wrong |= (guide.trimap == matting.BACKGROUND) & (alpha > 0.1)
        assert wrong.mean() < 0.005
        assert (guide.trimap != matting.UNKNOWN).mean() > 0.5
        assert (guide.trimap == matting.FOREGROUND).any()


def test_key_frames_keep_their_trimaps(clip):
    _, painted = clip
    guides = run(clip, set(range(COUNT)))
    assert all(
        (guide.trimap == own).all() for guide, own in zip(guides, painted, strict=True)
    )
    assert not any(guide.is_propagated for guide in guides)


def test_what_one_side_does_not_know_the_other_tells():
    codes = np.full((20, 40), propagate.LOST, np.uint8)
    other = np.zeros_like(codes)
    other[:, 20:] = matting.UNKNOWN
    for pair in ((codes, other), (other, codes)):
        assert (propagate.merge(*pair) == other).all()
    assert (propagate.merge(codes, codes) == matting.UNKNOWN).all()


def test_known_regions_that_meet_get_a_seam():
    codes = np.zeros((40, 40), np.uint8)
    codes[:, 20:] = matting.FOREGROUND
    trimap = propagate.merge(codes, codes)
    assert (trimap[:, 19:21] == matting.UNKNOWN).all()
    assert (trimap[:, :15] == 0).all() and (trimap[:, 25:] == 255).all()


def test_what_is_lost_is_unknown_and_what_is_revealed_next_to_background_is_not():
    codes = np.zeros((9, 40), np.uint8)
    codes[:, 20:30], codes[:, 30:] = matting.UNKNOWN, matting.FOREGROUND
    other = codes.copy()
    for code, expected in (
        (propagate.LOST, matting.UNKNOWN),
        (propagate.REVEALED, matting.BACKGROUND),
    ):
        codes[2:5, 2:5] = other[2:5, 2:5] = code
        assert (propagate.merge(codes, other)[2:5, 2:5] == expected).all()
    codes[2:5, 22:25] = other[2:5, 22:25] = propagate.REVEALED
    assert (propagate.merge(codes, other)[2:5, 22:25] == matting.UNKNOWN).all()
