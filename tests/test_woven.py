import numpy as np
import pytest

from model import basket, fringe, matting, strands

GREEN = np.full((50, 60, 3), [0, 200, 0], np.uint8)


def draw_basket(seed, inside=(), size=96):
    random = np.random.default_rng(seed)
    return basket.draw_basket(GREEN, list(inside), size, random)


def draw_fringe(seed, size=96):
    return fringe.draw_fringe(GREEN, size, np.random.default_rng(seed))


def make_basket(**changes):
    shape = {
        "place": np.array([200.0, 40.0]),
        "radius": 100.0,
        "height": 250.0,
        "taper": 0.5,
        "tilt": 0.0,
        "roll": 0.0,
        "distance": 1e9,
    }
    return basket.Basket(**shape | changes)


@pytest.mark.parametrize("draw", [draw_basket, draw_fringe])
def test_what_is_drawn_has_colours_of_its_texture_and_depends_on_the_seed(draw):
    for seed in range(10):
        foreground, alpha = draw(seed)
        np.testing.assert_array_equal(draw(seed)[1], alpha)
        assert foreground.shape == (96, 96, 3) and alpha.shape == (96, 96)
        assert foreground.dtype == alpha.dtype == np.float32
        assert foreground.min() >= 0 and foreground.max() <= 1
        assert alpha.min() >= 0 and alpha.max() <= 1 + 1e-6
        visible = foreground[alpha > 0.1]
        assert np.all(visible[:, [0, 2]] == 0)
        assert not len(visible) or visible[:, 1].max() > 0.2


def holes(alpha):
    """Gives the share of nearly clear pixels left and right of which some is opaque."""
    opaque = alpha > 0.9
    left = np.maximum.accumulate(opaque, axis=1)
    right = np.maximum.accumulate(opaque[:, ::-1], axis=1)[:, ::-1]
    return np.mean((alpha < 0.1) & left & right)


@pytest.mark.parametrize("draw", [draw_basket, draw_fringe])
def test_there_are_holes_in_it(draw):
    shares = [holes(draw(seed)[1]) for seed in range(16)]
    assert np.mean(np.array(shares) > 0.01) > 0.4


def test_what_is_in_a_basket_is_seen_between_the_wires_of_its_near_wall():
    red = np.zeros((96, 96, 3), np.float32)
    red[..., 0] = 1
    opaque = np.ones((96, 96), np.float32)
    for seed in range(8):
        foreground, alpha = draw_basket(seed, [(red, opaque)])
        np.testing.assert_allclose(alpha, 1, atol=1e-6)
        _, empty = draw_basket(seed)
        np.testing.assert_allclose(foreground[empty == 0], red[empty == 0])
        assert np.any(foreground[..., 1] > 0.1), "no wire before it"


def test_light_never_turns_white_wires_black(monkeypatch):
    monkeypatch.setattr(basket, "INNER_LIGHT", (1.5, 1.5))
    monkeypatch.setattr(strands, "draw_light", lambda side, _: np.ones((side, side, 1)))
    white = np.full((50, 60, 3), 255, np.uint8)
    for seed in range(6):
        random = np.random.default_rng(seed)
        foreground, alpha = basket.draw_basket(white, [], 96, random)
        assert foreground[alpha > 0.1].min() > 0.7


def test_a_wall_is_narrower_at_the_floor_and_larger_where_it_is_nearer():
    shape = make_basket()
    right = np.array([np.pi / 2, np.pi / 2])
    np.testing.assert_array_equal(
        shape.project(right, np.array([0.0, 1.0])), [[300, 40], [250, 290]]
    )
    near = make_basket(distance=400.0).project(
        np.array([np.pi / 4, 3 * np.pi / 4]), np.zeros(2)
    )
    assert near[0, 0] > near[1, 0] > 200


def test_seen_from_above_the_near_side_of_the_rim_is_lower():
    shape = make_basket(tilt=0.3)
    near, far = shape.project(np.array([0.0, np.pi]), np.zeros(2))
    assert near[1] - 40 == pytest.approx(100 * np.sin(0.3), abs=1)
    assert far[1] - 40 == pytest.approx(-100 * np.sin(0.3), abs=1)


def test_a_leaning_basket_is_turned_about_the_middle_of_its_rim():
    shape = make_basket(roll=np.pi / 2)
    (floor,) = shape.project(np.array([np.pi]), np.array([1.0]))
    assert floor.tolist() == [200 - 250, 40]


def test_each_part_of_a_wire_is_on_one_wall():
    around = np.linspace(-np.pi, np.pi, 41)
    ring = basket.Wires([around], [np.zeros(41)], 2.0)
    shape = make_basket(tilt=0.5)
    (near,), far = ring.visible(shape, True), ring.visible(shape, False)
    assert near[:, 1].min() >= 40 and len(near) == 21
    assert len(far) == 2 and max(part[:, 1].max() for part in far) <= 40


def test_wires_close_around_a_basket():
    for seed in range(6):
        wires = basket.draw_wires(make_basket(), np.random.default_rng(seed))
        starts = np.array([angle[0] for angle in wires.angles])
        starts = starts[starts >= 0] % (2 * np.pi)
        steps = np.diff(np.unique(starts.round(6)))
        np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
        assert steps[0] == pytest.approx(2 * np.pi / (len(steps) + 1), rel=1e-3)


def test_a_twist_darkens_places_of_a_strand_and_nothing_else():
    canvas = np.zeros((60, 200, 4), np.uint8)
    path = np.array([[10, 30], [100, 30], [190, 30]], np.int32)
    colour = np.array([100.0, 100.0, 100.0])
    strands.draw_round(canvas, [path], colour, 20.0)
    plain = canvas.copy()
    fringe.draw_twist(canvas, path, colour, 20.0)
    changed = np.any(canvas != plain, axis=2)
    assert 0.05 < changed[30, 15:185].mean() < 0.6
    assert np.all(canvas[changed][:, :3] == 50)
    np.testing.assert_array_equal(canvas[..., 3], plain[..., 3])


def test_a_fringe_hangs_from_something_opaque():
    opaque = [np.mean(draw_fringe(seed)[1] == 1) for seed in range(10)]
    assert min(opaque) > 0.02 and np.mean(opaque) > 0.2


def test_light_is_even_in_small_and_uneven_in_large():
    light = strands.draw_light(128, np.random.default_rng(1))
    assert light.shape == (128, 128, 1) and light.dtype == np.float32
    assert 0.3 <= light.min() < light.max() <= 1
    assert np.abs(np.diff(light[..., 0], axis=0)).max() < 0.05


def test_the_layers_of_a_basket_agree_with_those_of_matting():
    """Between its walls things lie over each other as `matting.overlay` says."""
    half = np.full((96, 96), 0.5, np.float32)
    red, blue = (np.zeros((96, 96, 3), np.float32) for _ in range(2))
    red[..., 0], blue[..., 2] = 1, 1
    foreground, alpha = draw_basket(3, [(red, half), (blue, half)])
    _, empty = draw_basket(3)
    clear = empty == 0
    expected = matting.overlay(red, half, blue, half)
    assert clear.mean() > 0.05
    np.testing.assert_allclose(foreground[clear], expected[0][clear], atol=1e-6)
    np.testing.assert_allclose(alpha[clear], expected[1][clear], atol=1e-6)
