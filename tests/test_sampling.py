import numpy as np
import pytest

from model import matting, sampling

RED, GREEN = np.float32([0.8, 0.1, 0.1]), np.float32([0.1, 0.7, 0.2])


@pytest.fixture
def blocks():
    """A ramp from red to green over 32 unknown columns between two known sides."""
    ramp = np.clip((np.arange(64) - 16) / 32, 0, 1).astype(np.float32)
    alpha = np.repeat(ramp[None], 48, axis=0)
    trimap = np.full(alpha.shape, matting.UNKNOWN, np.uint8)
    trimap[:, :16], trimap[:, 48:] = matting.BACKGROUND, matting.FOREGROUND
    image = matting.composite(RED, GREEN, alpha).astype(np.float32)
    return sampling.cut_blocks(image, trimap, 4), alpha


def test_blocks_hold_mean_and_covariance_of_their_unknown_pixels():
    random = np.random.default_rng(0)
    image = random.random((4, 8, 3)).astype(np.float32)
    trimap = np.uint8([[128, 128, 255, 255] * 2, [0, 0, 128, 128] * 2] * 2)
    cut = sampling.cut_blocks(image, trimap, 4)
    pixels = image[:, :4][trimap[:, :4] == matting.UNKNOWN]
    expected = np.cov(pixels.T, bias=True)
    np.testing.assert_allclose(cut.mean[0, 0], pixels.mean(0), atol=1e-5)
    np.testing.assert_allclose(
        cut.covariance[0, 0],
        [*np.diag(expected), expected[0, 1], expected[0, 2], expected[1, 2]],
        atol=1e-5,
    )
    assert cut.unknown[0, 0] == 0.5
    pixels = image[:, :4][trimap[:, :4] == matting.FOREGROUND]
    np.testing.assert_allclose(cut.foreground[0, 0], pixels.mean(0), atol=1e-5)


def test_pairs_explain_a_ramp_between_two_colours(blocks):
    cut, alpha = blocks
    pairs = sampling.find_pairs(cut)
    mean = alpha.reshape(12, 4, 16, 4).mean((1, 3))
    np.testing.assert_allclose(pairs.alpha, mean, atol=0.01)
    np.testing.assert_allclose(pairs.foreground[5, 8], RED, atol=0.01)
    np.testing.assert_allclose(pairs.background[5, 8], GREEN, atol=0.01)
    assert pairs.confidence[5, 8] > 0.5
    assert pairs.confidence[5, 0] == 0


def test_finer_blocks_choose_among_the_pairs_around_them(blocks):
    cut, alpha = blocks
    image = matting.composite(RED, GREEN, alpha).astype(np.float32)
    trimap = np.where(cut.unknown > 0, 128, 255 * cut.is_foreground).astype(np.uint8)
    trimap = np.kron(trimap, np.ones((4, 4), np.uint8))
    fine = sampling.refine_pairs(
        sampling.cut_blocks(image, trimap, 2), sampling.find_pairs(cut)
    )
    np.testing.assert_allclose(
        fine.alpha, alpha.reshape(24, 2, 32, 2).mean((1, 3)), atol=0.02
    )


def test_nothing_is_sure_where_both_sides_have_one_colour():
    image = np.full((32, 32, 3), 0.5, np.float32)
    trimap = np.full((32, 32), matting.UNKNOWN, np.uint8)
    trimap[:8], trimap[24:] = matting.BACKGROUND, matting.FOREGROUND
    pairs = sampling.find_pairs(sampling.cut_blocks(image, trimap, 4))
    assert pairs.confidence.max() < 0.01


def test_a_single_known_block_a_side_is_enough():
    image = np.zeros((16, 16, 3), np.float32)
    image[:, 8:] = 1
    trimap = np.full((16, 16), matting.UNKNOWN, np.uint8)
    trimap[0, 0], trimap[-1, -1] = matting.BACKGROUND, matting.FOREGROUND
    pairs = sampling.find_pairs(sampling.cut_blocks(image, trimap, 4))
    assert np.isfinite(pairs.alpha).all()
    np.testing.assert_allclose(pairs.alpha[:3, -1], 1, atol=0.01)


def test_large_pictures_are_judged_in_parts_with_the_same_result(blocks, monkeypatch):
    whole = sampling.find_pairs(blocks[0])
    monkeypatch.setattr(sampling, "CHUNK", 7)
    parts = sampling.find_pairs(blocks[0])
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
