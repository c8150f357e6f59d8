import numpy as np

from model import candidates, matting
from model.blocks import cut_blocks


def find_foregrounds(image, trimap):
    cut = cut_blocks(image, trimap, 4)
    where = np.nonzero(cut.unknown > 0)
    return (
        cut,
        where,
        *candidates.find_candidates(cut, cut.foreground, cut.is_foreground, where),
    )


def test_candidates_are_known_colours_near_far_and_similar():
    random = np.random.default_rng(0)
    image = random.random((64, 64, 3)).astype(np.float32)
    trimap = np.full((64, 64), matting.UNKNOWN, np.uint8)
    trimap[:, :24], trimap[:, 40:] = matting.BACKGROUND, matting.FOREGROUND
    cut, where, found, farther = find_foregrounds(image, trimap)
    count = 2 * len(candidates.SHARES) + candidates.SIMILAR
    assert found.shape == (len(where[0]), count, 3)
    assert farther.shape == found.shape[:2]
    known = cut.foreground[cut.is_foreground > 0]
    distance = np.abs(found[:, :, None] - known).max(-1)  # (U, K, known)
    assert (distance.min(-1) == 0).all()
    similar = found[:, -candidates.SIMILAR]
    across = np.linalg.norm(known - cut.mean[where][:, None], axis=-1)
    chosen = np.linalg.norm(similar - cut.mean[where], axis=-1)
    assert (chosen <= across.min(1) + 2 / candidates.STEPS).all()


def test_the_nearest_known_block_is_among_the_candidates():
    image = np.zeros((4, 64, 3), np.float32)
    image[..., 0] = np.arange(64) // 4 * 4 / 64  # a colour a block
    trimap = np.full((4, 64), matting.UNKNOWN, np.uint8)
    trimap[:, :8], trimap[:, 32:] = matting.BACKGROUND, matting.FOREGROUND
    _, where, found, farther = find_foregrounds(image, trimap)
    assert (np.abs(found[..., 0] - 32 / 64).min(1) == 0).all()
    nearest = np.abs(found[..., 0] - 32 / 64).argmin(1)
    at_nearest = np.take_along_axis(farther, nearest[:, None], 1)[:, 0]
    distance = 8 - where[1]  # in blocks
    np.testing.assert_allclose(at_nearest, distance / (distance + 1), rtol=1e-5)
