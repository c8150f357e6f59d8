import numpy as np
import pytest

from model import body as bodies
from model import pelt
from model.body import Body

GREEN = np.full((50, 60, 3), [0, 200, 0], np.uint8)


def draw_pelt(seed, size=96):
    return pelt.draw_pelt(GREEN, size, np.random.default_rng(seed))


def make_body(**changes):
    shape = {
        "centre": np.array([48.0, 48.0]),
        "radius": 30.0,
        "waves": np.zeros((4, 2)),
        "light": np.array([1.0, 0.0, 0.0]),
        "ambient": 0.2,
    }
    return Body(**shape | changes)


def test_a_pelt_has_colours_of_its_texture_and_depends_on_the_seed():
    for seed in range(10):
        foreground, alpha = draw_pelt(seed)
        np.testing.assert_array_equal(draw_pelt(seed)[1], alpha)
        assert foreground.shape == (96, 96, 3) and alpha.shape == (96, 96)
        assert foreground.dtype == alpha.dtype == np.float32
        assert foreground.min() >= 0 and foreground.max() <= 1
        assert alpha.min() == 0 and alpha.max() == 1
        assert np.all(foreground[alpha > 0.1][:, [0, 2]] == 0)


def test_a_pelt_is_opaque_clear_and_something_between_in_turn():
    shares = []
    for seed in range(24):
        alpha = draw_pelt(seed)[1]
        shares.append([np.mean(alpha == 1), np.mean(alpha == 0)])
        assert np.mean((alpha > 0.05) & (alpha < 0.95)) > 0.003
    assert np.all(np.array(shares) > 0.02)
    assert np.all(np.mean(shares, axis=0) > 0.2)


def test_an_outline_is_a_circle_with_waves():
    angle = np.linspace(0, 6, 13)
    np.testing.assert_allclose(make_body().outline(angle), 30)
    waves = np.array([[0, 0], [0.1, np.pi / 2]])
    expected = 30 * (1 - 0.1 * np.sin(2 * angle))
    np.testing.assert_allclose(make_body(waves=waves).outline(angle), expected)


def test_a_place_of_a_body_lies_on_its_outline_or_so_deep_below():
    angle = np.array([0, np.pi / 2, np.pi])
    rim = [[78, 48], [48, 78], [18, 48]]
    np.testing.assert_allclose(make_body().locate(angle), rim)
    deeper = make_body().locate(angle, np.array([10.0, 30, 50]))
    np.testing.assert_allclose(deeper, [[68, 48], [48, 48], [48, 48]], atol=1e-9)


def test_light_falls_on_the_side_that_it_comes_from():
    places = np.array([[78.0, 48], [63, 48], [48, 48], [18, 48], [48, 78]])
    light = make_body().shade(places)
    np.testing.assert_allclose(light, [1, 0.6, 0.2, 0.2, 0.2], atol=1e-6)
    ahead = make_body(light=np.array([0.0, 0, 1])).shade(places)
    expected = [0.2, 0.2 + 0.8 * np.sqrt(0.75), 1, 0.2, 0.2]
    np.testing.assert_allclose(ahead, expected, atol=1e-6)
    np.testing.assert_allclose(make_body(ambient=1.0).shade(places), 1)


def test_the_outline_of_a_body_crosses_its_canvas_near_the_middle():
    for seed in range(30):
        body = bodies.draw_body(300, np.random.default_rng(seed))
        angle = np.linspace(0, 2 * np.pi, 4000)
        rim = body.locate(angle)
        assert np.any(np.all((rim > 90) & (rim < 210), axis=1))
        np.testing.assert_allclose(np.linalg.norm(body.light), 1)
        assert body.light[2] >= 0


def test_a_body_is_filled_inside_of_its_outline_and_nowhere_else():
    colours = np.full((32, 32, 3), [300, 100, 0], np.float32)
    canvas = bodies.fill(make_body(), colours, 3)
    assert canvas.shape == (96, 96, 4) and canvas.dtype == np.uint8
    row, column = np.indices((96, 96))
    distance = np.hypot(row - 48, column - 48)
    assert np.all(canvas[distance < 28.5] == [255, 100, 0, 255])
    assert np.all(canvas[distance > 31.5] == 0)


def test_a_body_is_painted_in_colours_of_its_palette_and_in_its_light(monkeypatch):
    monkeypatch.setattr(bodies, "CONTRAST", 0)
    monkeypatch.setattr(bodies, "PATCHES_PROBABILITY", 0)
    palette = np.array([[200, 100, 50], [0, 0, 255]], np.float32)
    random = np.random.default_rng(0)
    painted = bodies.paint(make_body(), palette, 32, 3, random)
    places = 3 * (np.stack(np.meshgrid(np.arange(32), np.arange(32)), axis=-1) + 0.5)
    expected = palette[0] * make_body().shade(places)[..., None]
    np.testing.assert_allclose(painted, expected, rtol=1e-5)
    monkeypatch.setattr(bodies, "PATCHES_PROBABILITY", 1)
    patched = bodies.paint(make_body(ambient=1.0), palette, 64, 1, random)
    share = (200 - patched[..., 0]) / 200
    np.testing.assert_allclose(patched, palette[0] + share[..., None] * (
        palette[1] - palette[0]
    ), atol=1e-2)  # fmt: skip
    assert share.min() < 0.1 and share.max() > 0.9


@pytest.mark.parametrize("seed", range(8))
def test_roots_lie_below_the_rim_and_no_deeper_than_hair_is_long(seed):
    random = np.random.default_rng(seed)
    angle, roots = pelt.scatter(make_body(), 96, 20.0, random)
    assert len(roots) > 8 and np.all(np.diff(angle) >= 0)
    distance = np.linalg.norm(roots - [48, 48], axis=1)
    assert distance.max() <= 30 + 1e-6 and distance.min() >= 30 - 0.7 * 20
    across = roots - [48, 48]
    np.testing.assert_allclose(np.arctan2(across[:, 1], across[:, 0]), angle)


def test_strands_begin_at_their_roots_and_most_leave_the_body():
    outside = []
    for seed in range(8):
        roots, paths = pelt.grow(make_body(), 96, np.random.default_rng(seed))
        assert paths.shape == (len(roots), pelt.POINTS, 2) and paths.dtype == np.int32
        steps = np.linalg.norm(np.diff(paths, axis=1), axis=2)
        first = np.linalg.norm(paths[:, 0] - roots, axis=1)
        assert np.median(first) <= np.median(steps) + 1.5
        outside.append(np.mean(np.linalg.norm(paths[:, -1] - [48, 48], axis=1) > 30))
    assert np.mean(outside) > 0.6


def test_tips_of_a_tuft_are_drawn_together_and_roots_are_not():
    paths = np.random.default_rng(0).uniform(0, 50, (6, 5, 2))
    tuft = np.array([0, 0, 0, 1, 1, 1])
    together = pelt.gather(paths, tuft, np.array([1, 1, 1, 0, 0, 0.5]))
    np.testing.assert_allclose(together[:, 0], paths[:, 0])
    np.testing.assert_allclose(together[:3, -1], 3 * [paths[:3, -1].mean(0)])
    np.testing.assert_allclose(together[3:5], paths[3:5])
    middle = (paths[5, -1] + paths[3:, -1].mean(0)) / 2
    np.testing.assert_allclose(together[5, -1], middle)


def draw_line(monkeypatch, **constants):
    """Draws one strand from left to right; gives the brightness along it."""
    plain = {
        "WIDTH": (2, 2), "CONTRAST": 0, "OTHER": 0, "TIP": (1, 1), "GLINT": 0.0,
        "GLINT_PROBABILITY": 1,
    }  # fmt: skip
    for name, value in (plain | constants).items():
        monkeypatch.setattr(pelt, name, value)
    canvas = np.zeros((60, 60, 4), np.uint8)
    colours = np.full((20, 20, 3), [80, 40, 20], np.float32)
    columns = np.linspace(5, 55, pelt.POINTS)
    path = np.rint(np.column_stack([columns, np.full(pelt.POINTS, 30)]))
    pelt.draw_hair(
        canvas, colours, colours[0, :1], path[:1], path[None].astype(np.int32),
        np.random.default_rng(3),
    )  # fmt: skip
    return canvas[30, 5:56]


def test_a_strand_has_the_colour_of_its_root_and_changes_on_its_way(monkeypatch):
    plain = draw_line(monkeypatch)
    assert np.all(plain == [80, 40, 20, 255])
    darker = draw_line(monkeypatch, TIP=(0.5, 0.5))
    assert np.all(np.diff(darker[:, 0].astype(int)) <= 0)
    assert darker[0, 0] > 70 and darker[-1, 0] < 50
    shiny = draw_line(monkeypatch, GLINT=3.0)
    assert shiny[:, 0].max() > 100 and shiny[:, 0].min() == 80
