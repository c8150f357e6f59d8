import numpy as np
import pytest

from model import smoke


def draw(seed, texture, size=64):
    return smoke.draw_smoke(texture, size, np.random.default_rng(seed))


def test_smoke_is_soft_of_any_density_and_ends_somewhere():
    texture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    densest, clear = [], []
    for seed in range(24):
        foreground, alpha = draw(seed, texture)
        np.testing.assert_array_equal(draw(seed, texture)[1], alpha)
        assert foreground.shape == (64, 64, 3) and alpha.shape == (64, 64)
        assert foreground.dtype == alpha.dtype == np.float32
        assert foreground.min() >= 0 and foreground.max() <= 1
        assert 0 <= alpha.min() and alpha.max() <= 1
        densest.append(alpha.max())
        clear.append(np.mean(alpha == 0))
    assert min(densest) < 0.4 and max(densest) > 0.9
    assert np.mean(clear) > 0.2


def test_smoke_has_the_colours_of_its_texture(monkeypatch):
    monkeypatch.setattr(smoke, "WHITE_PROBABILITY", 0)
    green = np.full((50, 60, 3), [0, 200, 0], np.uint8)
    expected = np.broadcast_to(np.float32([0, 200 / 255, 0]), (64, 64, 3))
    np.testing.assert_allclose(draw(1, green)[0], expected, atol=1e-6)
    monkeypatch.setattr(smoke, "WHITE_PROBABILITY", 1)
    white = draw(1, green)[0]
    np.testing.assert_array_equal(white[..., 0], white[..., 1])


@pytest.mark.parametrize("spots", [0, 1])
def test_glass_is_fainter_and_clear_where_nothing_was(spots, monkeypatch):
    monkeypatch.setattr(smoke, "SPOTS_PROBABILITY", spots)
    disc = np.hypot(*(np.indices((64, 64)) - 31.5)) < 20
    opaque = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        alpha = smoke.tint(disc.astype(np.float32), random)
        assert np.all(alpha[~disc] == 0) and alpha[disc].min() >= smoke.TINT[0]
        opaque.append(np.mean(alpha[disc] == 1))
    assert (max(opaque) > 0) == bool(spots) and max(opaque) < 0.5


def test_highlights_are_small_opaque_spots_on_the_thing():
    columns = np.indices((96, 96))[1]
    alpha = np.where(columns < 48, 0.3, 0).astype(np.float32)
    foreground = np.zeros((96, 96, 3), np.float32)
    foreground[..., 2] = 1
    for seed in range(12):
        random = np.random.default_rng(seed)
        colours, lit = smoke.highlight(foreground, alpha, random)
        assert colours.dtype == lit.dtype == np.float32
        assert np.all(lit >= alpha) and lit.max() == pytest.approx(1, abs=0.05)
        changed = lit > alpha + 1e-3
        assert 0.0005 < changed.mean() < 0.15 and not changed[alpha == 0].any()
        np.testing.assert_allclose(colours[~changed], foreground[~changed], atol=4e-3)
        assert colours[lit > 0.99].min(initial=1) >= 0.39
    assert np.all(alpha <= np.float32(0.3)), "the given alpha has changed"


def test_a_highlight_lies_over_the_thing(monkeypatch):
    """Light at half cover over black of alpha 0.5 is two thirds of what is seen."""
    monkeypatch.setattr(smoke.cv2, "GaussianBlur", lambda cover, *_: cover / 2)
    foreground = np.zeros((32, 32, 3), np.float32)
    alpha = np.full((32, 32), 0.5, np.float32)
    colours, lit = smoke.highlight(foreground, alpha, np.random.default_rng(0))
    covered = lit > 0.6
    assert covered.any()
    np.testing.assert_allclose(lit[covered], 0.75, atol=1e-6)
    highest = colours[covered].max(axis=0)
    np.testing.assert_allclose(colours[covered], np.tile(highest, (covered.sum(), 1)))
    assert 0.4 * 2 / 3 - 1e-6 <= highest.min() and highest.max() <= 2 / 3 + 1e-6


def test_nothing_is_lit_where_there_is_nothing():
    alpha = np.zeros((32, 32), np.float32)
    _, lit = smoke.highlight(np.zeros((32, 32, 3)), alpha, np.random.default_rng(0))
    np.testing.assert_array_equal(lit, alpha)


def test_noise_reaches_both_ends_and_swirling_keeps_its_range():
    random = np.random.default_rng(3)
    noise = smoke.draw_noise(96, random)
    assert noise.dtype == np.float32
    np.testing.assert_allclose([noise.min(), noise.max()], [0, 1], atol=1e-6)
    swirled = smoke.swirl(noise, random)
    assert swirled.shape == (96, 96) and np.any(swirled != noise)
    assert 0 <= swirled.min() and swirled.max() <= 1
    steps = np.abs(np.diff(noise, axis=0)).mean()
    assert steps < 0.1, "as rough as white noise"


def test_an_outline_is_one_inside_and_zero_outside():
    for seed in range(8):
        outline = smoke.draw_outline(64, np.random.default_rng(seed))
        assert outline.dtype == np.float32
        assert outline.min() == 0 and outline.max() > 0.9
