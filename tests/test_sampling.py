import numpy as np
import pytest

from model import matting, sampling
from model.blocks import cut_blocks

RED, GREEN = np.float32([0.8, 0.1, 0.1]), np.float32([0.1, 0.7, 0.2])


@pytest.fixture
def blocks():
    """A ramp from red to green over 32 unknown columns between two known sides."""
    ramp = np.clip((np.arange(64) - 16) / 32, 0, 1).astype(np.float32)
    alpha = np.repeat(ramp[None], 48, axis=0)
    trimap = np.full(alpha.shape, matting.UNKNOWN, np.uint8)
    trimap[:, :16], trimap[:, 48:] = matting.BACKGROUND, matting.FOREGROUND
    image = matting.composite(RED, GREEN, alpha).astype(np.float32)
    return cut_blocks(image, trimap, 4), alpha


def test_blocks_hold_mean_and_covariance_of_their_unknown_pixels():
    random = np.random.default_rng(0)
    image = random.random((4, 8, 3)).astype(np.float32)
    trimap = np.uint8([[128, 128, 255, 255] * 2, [0, 0, 128, 128] * 2] * 2)
    cut = cut_blocks(image, trimap, 4)
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
    fine = sampling.refine_pairs(cut_blocks(image, trimap, 2), sampling.find_pairs(cut))
    np.testing.assert_allclose(
        fine.alpha, alpha.reshape(24, 2, 32, 2).mean((1, 3)), atol=0.02
    )


def test_nothing_is_sure_where_both_sides_have_one_colour():
    image = np.full((32, 32, 3), 0.5, np.float32)
    trimap = np.full((32, 32), matting.UNKNOWN, np.uint8)
    trimap[:8], trimap[24:] = matting.BACKGROUND, matting.FOREGROUND
    pairs = sampling.find_pairs(cut_blocks(image, trimap, 4))
    assert pairs.confidence.max() < 0.01


def test_a_single_known_block_a_side_is_enough():
    image = np.zeros((16, 16, 3), np.float32)
    image[:, 8:] = 1
    trimap = np.full((16, 16), matting.UNKNOWN, np.uint8)
    trimap[0, 0], trimap[-1, -1] = matting.BACKGROUND, matting.FOREGROUND
    pairs = sampling.find_pairs(cut_blocks(image, trimap, 4))
    assert np.isfinite(pairs.alpha).all()
    np.testing.assert_allclose(pairs.alpha[:3, -1], 1, atol=0.01)


def brute_force_average(mean, covariance, pairs, penalties):
    """One block: the average of its pairs, weighted by exp(-cost)."""
    (rr, gg, bb, rg, rb, gb), costs, alphas = covariance, [], []
    spread = np.array([[rr, rg, rb], [rg, gg, gb], [rb, gb, bb]])
    for foreground, background in pairs:
        across = foreground - background
        length = across @ across + 1e-4
        place = across @ (mean - background) / length
        alphas.append(np.clip(place, 0, 1))
        cost = np.trace(spread) - across @ spread @ across / length
        cost += np.sum((mean - background) ** 2) - place**2 * length
        cost += (place - alphas[-1]) ** 2 * length
        costs.append(max(cost, 0) / sampling.NOISE**2)
    weight = np.exp(np.min(np.add(costs, penalties)) - np.add(costs, penalties))
    weight /= weight.sum()
    return np.einsum("p,psc->sc", weight, np.array(pairs)), weight @ alphas


@pytest.mark.parametrize("all_pairs", [True, False])
def test_pairs_are_averaged_as_the_formulas_say(blocks, all_pairs):
    random = np.random.default_rng(3)
    cut, _ = blocks
    where = np.nonzero(cut.unknown > 0)
    count = len(where[0])
    first, second = (
        (colour + random.normal(0, 0.05, (count, 4, 3))).astype(np.float32)
        for colour in (RED, GREEN)
    )
    far, away = random.random((2, count, 4)).astype(np.float32)
    chosen = sampling.choose_pairs(
        cut, where, first, second, far, away if all_pairs else None
    )
    for u in (0, 17, count - 1):
        numbers = [(i, j) for i in range(4) for j in range(4) if all_pairs or i == j]
        (foreground, background), alpha = brute_force_average(
            cut.mean[where][u].astype(float),
            cut.covariance[where][u].astype(float),
            [
                (first[u, i].astype(float), second[u, j].astype(float))
                for i, j in numbers
            ],
            [far[u, i] + (away[u, j] if all_pairs else 0) for i, j in numbers],
        )
        place = where[0][u], where[1][u]
        np.testing.assert_allclose(chosen.foreground[place], foreground, atol=1e-3)
        np.testing.assert_allclose(chosen.background[place], background, atol=1e-3)
        np.testing.assert_allclose(chosen.alpha[place], alpha, atol=1e-3)
