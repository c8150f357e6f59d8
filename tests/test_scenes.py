import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.scenes import (
    cloth,
    feather,
    foliage,
    lace,
    leaf,
    net,
    pot,
    shapes,
    smoke,
    solids,
    veil,
    vessel,
    wire,
)

SEEDS = st.integers(0, 2**31)
quickly = settings(max_examples=15, deadline=None)


def draw_plane(count=40):
    return np.meshgrid(*[np.linspace(-1, 1, count)] * 2)


def edge_uses(quads):
    """How often each edge of a mesh is used, by number of uses."""
    edges = np.concatenate([quads[:, [at, (at + 1) % 4]] for at in range(4)])
    _, uses = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    return uses


# Meshes and places


@quickly
@given(SEEDS)
def test_a_frame_is_a_turn_without_stretch_to_its_direction(seed):
    ahead, side, origin = np.random.default_rng(seed).normal(size=(3, 3))
    matrix = solids.frame(origin, ahead, side)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    tip = solids.move(np.array([[0, 0, 1.0]]), matrix)[0] - origin
    np.testing.assert_allclose(tip, ahead / np.linalg.norm(ahead), atol=1e-9)


@given(st.integers(2, 9), st.integers(2, 9))
def test_a_sheet_of_quads_has_no_gap(rows, columns):
    quads = shapes.grid_quads(rows, columns)
    assert quads.shape == ((rows - 1) * (columns - 1), 4)
    rim = 2 * (rows + columns - 2)
    assert (edge_uses(quads) == 1).sum() == rim
    assert edge_uses(quads).max() <= 2


@pytest.mark.parametrize("kind", leaf.KINDS)
def test_a_leaf_starts_at_its_stalk_and_is_alike_on_both_sides(kind):
    vertices, quads = leaf.outlined_leaf(kind, bend=0.0, fold=0.3, wave=0.0)
    assert quads.max() < len(vertices)
    assert 0.8 < np.ptp(vertices[:, 1]) < 1.3
    assert np.linalg.norm(vertices, axis=1).min() < 0.08  # the stalk's end
    left, right = -vertices[:, 0].min(), vertices[:, 0].max()
    assert left == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("kind", leaf.KINDS)
def test_the_rim_of_a_leaf_is_its_only_edge(kind):
    _, quads = leaf.outlined_leaf(kind, 0.2, 0.2, 0.02)
    uses = edge_uses(quads)
    around = len(leaf.leaf_outline(kind)[0])
    assert (uses == 1).sum() == 2 * around  # the rim, and the ring at the midrib


@quickly
@given(SEEDS, st.integers(1, 20))
def test_petals_start_at_the_heart_and_keep_their_length(seed, count):
    random = np.random.default_rng(seed)
    mesh = leaf.petal_mesh(0.3, 0.0, 0.0)
    angles, rise = random.uniform(0, 6, (2, count)) * [[1], [0.2]]
    sizes = random.uniform(0.5, 2, count)
    vertices, quads = leaf.ring_of_petals(*mesh, angles, rise, sizes, 0.25)
    assert quads.shape == (count * len(mesh[1]), 4) and quads.max() < len(vertices)
    petals = vertices.reshape(count, 13, 9, 3)[:, :, 4]  # their middle lines
    np.testing.assert_allclose(np.linalg.norm(petals[:, 0], axis=1), 0.25)
    reach = np.linalg.norm(petals[:, -1] - petals[:, 0], axis=1)
    np.testing.assert_allclose(reach, sizes)


# Glass


@quickly
@given(SEEDS, st.sampled_from(vessel.KINDS))
def test_a_vessel_is_closed_at_the_axis_and_has_walls(seed, kind):
    outline = vessel.draw_outline(kind, np.random.default_rng(seed))
    profile = vessel.hollow(outline, 0.03, solid=8)
    assert profile.shape == (113, 2)
    assert profile[0, 0] == profile[-1, 0] == 0
    assert profile[:, 0].min() >= 0
    outside, inside = profile[8:60][::-1], profile[60:-1]
    assert (inside[:, 0] <= np.maximum(outside[:, 0] - 0.03, 0) + 1e-12).all()
    assert inside[:, 1].min() > outside[:, 1].min()


@quickly
@given(SEEDS, st.sampled_from(vessel.KINDS), st.floats(0.1, 0.9))
def test_a_drink_stays_inside_its_glass(seed, kind, share):
    outline = vessel.draw_outline(kind, np.random.default_rng(seed))
    solid = 25 if kind in vessel.STEMS else 8
    profile = vessel.hollow(outline, 0.03, solid)
    drink = vessel.fill(profile, share)
    assert drink[-1, 0] == 0 and (drink[:, 0] >= 0).all()
    assert drink[:, 0].max() < profile[:, 0].max()
    low, high = profile[-1, 1], profile[60:, 1].max()
    assert drink[:, 1].max() <= low + (high - low) * share + 0.01


# Cloth and lace


@quickly
@given(SEEDS, st.sampled_from(veil.PATTERNS), st.floats(0.05, 0.5))
def test_a_veil_is_nowhere_opaque_and_nowhere_gone(seed, pattern, opacity):
    random = np.random.default_rng(seed)
    clear = veil.draw_clear(pattern, opacity, *draw_plane(), random)
    assert clear.shape == (40, 40)
    assert clear.min() >= 0.02 - 1e-9 and clear.max() < 1


@pytest.mark.parametrize("hang", [veil.hang_curtain, veil.hang_veil, veil.blow_scarf])
def test_the_same_seed_hangs_the_same_smooth_sheet(hang):
    sheets = [hang(np.random.default_rng(7))(*draw_plane(300)) for _ in "ab"]
    np.testing.assert_array_equal(*sheets)
    assert sheets[0].shape == (300, 300, 3)
    assert np.isfinite(sheets[0]).all() and np.abs(sheets[0]).max() < 8
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(sheets[0], axis=axis), axis=-1)
        assert steps.max() < 0.15


@quickly
@given(SEEDS)
def test_a_doily_is_round(seed):
    threads = lace.draw_doily(np.random.default_rng(seed))
    reach = [np.linalg.norm(thread, axis=1).max() for thread in threads]
    assert max(reach) <= 1.2
    assert sum(abs(r - 1) < 1e-6 for r in reach) >= 1


@quickly
@given(SEEDS, st.booleans())
def test_lace_counts_the_threads_of_its_ground(seed, border):
    threads, ground = lace.draw_panel(border, np.random.default_rng(seed))
    assert 0 < ground < len(threads)
    assert all(thread.shape[1] == 2 and len(thread) > 2 for thread in threads)
    for thread in threads[:ground]:  # straight
        way = np.diff(thread, axis=0)
        np.testing.assert_allclose(np.abs(way[:, 0]), np.abs(way[:, 1]), atol=1e-9)


@quickly
@given(SEEDS)
def test_rows_of_knitting_hold_each_other(seed):
    yarns = cloth.knit(np.random.default_rng(seed))
    rows = [yarn for yarn in yarns if len(yarn) > 16]
    assert len(rows) > 10
    for lower, upper in zip(rows[:-1], rows[1:], strict=True):
        assert lower[:, 2].max() > upper[:, 2].min()


@quickly
@given(SEEDS)
def test_the_threads_of_a_tassel_hang_down(seed):
    *threads, wrap, cord = cloth.tie_tassel(np.random.default_rng(seed))
    assert len(threads) >= 90
    assert np.mean([thread[0, 2] - thread[-1, 2] for thread in threads]) > 0.6
    assert cord[-1, 2] > wrap[:, 2].max()


# Nets and wire


@quickly
@given(SEEDS)
def test_a_web_is_held_by_threads_longer_than_its_spiral(seed):
    spiral, spokes = net.spin_web(np.random.default_rng(seed))
    assert 14 <= len(spokes) < 28 and len(spiral) % len(spokes) == 0
    far = [np.linalg.norm(spoke[-1]) for spoke in spokes]
    assert np.median(far) < max(far) + 1e-9
    assert all(piece.shape == (7, 3) for piece in spiral)


@quickly
@given(SEEDS, st.sampled_from(wire.KINDS), st.integers(6, 21))
def test_wires_are_curves_of_unit_size(seed, kind, count):
    wires = wire.bend_wires(kind, count, np.random.default_rng(seed))
    points = np.concatenate(wires)
    assert points.shape[1] == 3 and np.isfinite(points).all()
    assert all(len(curve) > 1 for curve in wires)
    assert 0.5 < np.ptp(points, axis=0).max() < 5


def test_neighbours_in_a_fence_meet_at_their_corners():
    wires = wire.link_fence(8, np.random.default_rng(0))
    for left, right in zip(wires[:-1], wires[1:], strict=True):
        gap = right[:, 0] - left[:, 0]
        assert gap.min() < 0 < gap.max()  # they are hooked into each other


@quickly
@given(SEEDS, st.sampled_from(pot.KINDS), st.sampled_from(pot.MESHES))
def test_a_mesh_lies_on_the_wall_of_its_vessel(seed, kind, mesh):
    wall = pot.Wall(kind, np.random.default_rng(seed))
    wires = pot.weave_mesh(mesh, 24, wall)
    points = np.concatenate(wires)
    level = points[:, 2] / wall.high + 0.5
    assert level.min() >= -1e-9 and level.max() <= 1 + 1e-9
    away = (np.abs(points[:, :2]) ** wall.square).sum(axis=1) ** (1 / wall.square)
    on_wall = wall.place(np.zeros(len(level)), level)[:, 0]
    slack = 0.02 if mesh in ("square", "upright") else 1e-6
    np.testing.assert_allclose(away, on_wall, atol=slack)


@pytest.mark.parametrize("mesh", ["diamond", "honeycomb"])
def test_every_wire_of_a_mesh_touches_its_neighbours(mesh):
    wall = pot.Wall("pen pot", np.random.default_rng(1))
    wires = pot.weave_mesh(mesh, 24, wall)
    points = np.concatenate(wires)
    owner = np.repeat(np.arange(len(wires)), [len(curve) for curve in wires])
    for number, curve in enumerate(wires):
        others = points[owner != number]
        near = np.linalg.norm(curve[:, None] - others[None], axis=2).min(axis=1)
        assert (near < 1e-6).sum() >= 4


def test_all_around_a_vessel_there_are_as_many_uprights_as_cells():
    wall = pot.Wall("tray", np.random.default_rng(2))
    wires = pot.weave_mesh("upright", 30, wall)
    uprights = [wire for wire in wires if np.ptp(wire[:, 2]) > 0]
    assert len(uprights) == 30 and len(wires) > 30
    turns = [np.arctan2(wire[0, 1], wire[0, 0]) for wire in uprights]
    assert len(np.unique(np.round(turns, 6))) == 30


# Plants and feathers


@quickly
@given(SEEDS, st.integers(1, 6))
def test_twigs_grow_out_of_their_branch(seed, per):
    random = np.random.default_rng(seed)
    parents = foliage.grow_branches(random, 3, 0.8)
    twigs = foliage.fork(parents, per, 0.6, 0.1, random)
    assert twigs.shape == (3 * per, 12, 3)
    points = parents.reshape(-1, 1, 3)
    away = np.linalg.norm(twigs[None, :, 0] - points, axis=2).min(axis=0)
    assert away.max() < 1e-9


@quickly
@given(SEEDS, st.sampled_from(feather.KINDS))
def test_the_barbs_of_a_feather_start_at_its_shaft(seed, kind):
    random = np.random.default_rng(seed)
    shape = feather.draw_shape(kind, random)
    shaft = np.linspace([0, 0, 0], [0, 0, 2], 60)
    barbs = feather.grow_vane(shape, shaft, 1, random)
    assert barbs.shape == (shape["barbs"], feather.BARB, 3)
    np.testing.assert_allclose(barbs[:, 0, :2], 0, atol=1e-9)
    fluff = feather.grow_barbules(barbs[:20], True, random)
    assert fluff.shape == (20 * 16, 4, 3)


# Smoke


@settings(max_examples=6, deadline=None)
@given(SEEDS, st.sampled_from(smoke.KINDS))
def test_smoke_ends_before_the_sides_of_its_picture(seed, kind):
    random = np.random.default_rng(seed)
    colour, alpha, _ = smoke.paint_smoke(kind, 128, random)
    assert colour.shape == (128, 128, 3) and alpha.shape == (128, 128)
    assert 0 <= alpha.min() and alpha.max() <= 1 and colour.min() >= 0
    for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert not side.any()


def test_the_same_seed_paints_the_same_smoke():
    first, second = (
        smoke.paint_smoke("plume", 96, np.random.default_rng(3)) for _ in "ab"
    )
    np.testing.assert_array_equal(first[1], second[1])
    assert first[1].max() > 0.1


@quickly
@given(SEEDS, st.floats(1.5, 3.2))
def test_fractal_noise_is_centred_and_tiles(seed, slope):
    noise = smoke.fractal(64, 0.4, slope, np.random.default_rng(seed))
    assert abs(noise.mean()) < 1e-5 and noise.std() == pytest.approx(1, rel=1e-4)
    inside = np.abs(np.diff(noise, axis=0)).max()
    assert np.abs(noise[0] - noise[-1]).max() <= inside * 1.5


def test_hotter_flames_are_brighter():
    light = smoke.burn(np.linspace(0, 1, 50)[None], 0.0)
    assert (np.diff(light, axis=1) >= 0).all()
    assert light.shape == (1, 50, 3)


@pytest.mark.parametrize("module", [solids, shapes])
def test_the_documented_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
