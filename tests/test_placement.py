import json

import numpy as np
import pytest

from model import placement


def disc(side=40):
    rows, columns = np.indices((side, side)) - side / 2 + 0.5
    alpha = np.clip(side * 0.4 - np.hypot(rows, columns), 0, 1).astype(np.float32)
    return np.full((side, side, 3), (1, 0, 0), np.float32), alpha


def place_white(alpha, seed):
    """Places a white cut-out of this alpha before grey, in a frame of 72 by 96."""
    return placement.compose_sample(
        np.ones((*alpha.shape, 3), np.float32),
        alpha,
        np.full((50, 50, 3), 0.25, np.float32),
        np.random.default_rng(seed),
        72,
        96,
        (0, 0.1),
    )


SHAPES = {
    "disc": disc()[1],
    "square that fills its picture": np.ones((30, 40), np.float32),
    "hair": np.eye(50, dtype=np.float32),
    "glass": disc()[1] * np.float32(0.3),
    "needle": np.ones((200, 1), np.float32),
    "speck": np.ones((1, 1), np.float32),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_is_placed_in_the_frame_and_leaves_something_unknown(shape):
    alpha = SHAPES[shape]
    foreground = np.random.default_rng(0).random((*alpha.shape, 3), np.float32)
    background = np.full((50, 50, 3), 0.25, np.float32)
    for seed in range(20):
        arrays, numbers = placement.compose_sample(
            foreground,
            alpha,
            background,
            np.random.default_rng(seed),
            48,
            64,
            (0, 0.25),
        )
        trimap = arrays["trimap"]
        assert (trimap == 128).any()
        assert (trimap == 0).any() == (arrays["alpha"] == 0).any()
        if shape not in ("hair", "needle", "speck"):  # too thin for a known inside
            assert (trimap == 255).any() == (arrays["alpha"] == 255).any()
        fractional = (arrays["alpha"] > 0) & (arrays["alpha"] < 255)
        assert (trimap[fractional] == 128).all()
        json.dumps(numbers)


@pytest.mark.parametrize(
    ("top", "left"), [(7, 0), (0, 9), (-10, 0), (5, -4), (-20, 40)]
)
def test_what_lies_beside_the_frame_leaves_it_empty(top, left):
    frame = placement.paste(np.ones((10, 4, 4), np.float32), top, left, 5, 4)
    assert frame.shape == (5, 4, 4) and not frame.any()


def test_a_sample_is_the_equation_of_its_layers_and_depends_on_its_generator_alone():
    background = np.random.default_rng(0).random((70, 50, 3), np.float32)
    arrays, again, other = (
        placement.compose_sample(
            *disc(), background, np.random.default_rng(seed), 48, 64, (0.01, 0.05)
        )[0]
        for seed in (1, 1, 2)
    )
    alpha = arrays["alpha"][..., None] / 255
    image = alpha * arrays["foreground"] + (1 - alpha) * arrays["background"]
    light, _ = placement.compose_sample(
        *disc(), background, np.random.default_rng(1), 48, 64, (0.01, 0.05), gamma=2
    )
    squares = alpha * (arrays["foreground"] / 255) ** 2
    squares += (1 - alpha) * (arrays["background"] / 255) ** 2
    assert np.abs(255 * np.sqrt(squares) - light["image"]).max() <= 0.501
    assert np.abs(image - arrays["image"]).max() <= 0.501
    assert all((arrays[name] == again[name]).all() for name in arrays)
    assert (arrays["image"] != other["image"]).any()


def test_hidden_colours_never_show():
    foreground, alpha = disc()
    foreground[alpha == 0] = (0, 1, 0)
    background = np.zeros((50, 50, 3), np.float32)
    for seed in range(10):
        arrays, _ = placement.compose_sample(
            foreground, alpha, background, np.random.default_rng(seed), 48, 64, (0, 0.1)
        )
        assert arrays["image"][..., 1].max() == 0
        assert arrays["foreground"][..., 1].max() == 0
        assert arrays["foreground"][..., 0].min() >= 254


@pytest.mark.parametrize("flip", [False, True])
def test_a_side_that_its_picture_cuts_off_is_cut_off_by_the_frame(flip):
    """A portrait, cut off below and on one side, never ends inside the frame."""
    alpha = np.zeros((120, 100), np.float32)
    alpha[30:, 40:] = 1
    alpha = alpha[:, ::-1] if flip else alpha
    for seed in range(30):
        arrays, numbers = place_white(alpha, seed)
        placed = arrays["alpha"]
        on_the_right = flip == numbers["flip"]
        side, other = (-1, 0) if on_the_right else (0, -1)
        assert (placed[-1] == 255).sum() >= 10
        assert (placed[:, side] == 255).sum() >= 10
        assert not placed[0].any() and not placed[:, other].any()


def test_a_close_up_fills_the_frame_from_side_to_side():
    alpha = np.ones((100, 100), np.float32)
    alpha[:20] = 0
    for seed in range(30):
        arrays, _ = place_white(alpha, seed)
        placed = arrays["alpha"]
        assert (placed[-1] == 255).all() and not placed[0].any()
        assert (placed[:, 0] == placed[:, -1]).all()


def test_what_would_hide_the_whole_background_is_placed_in_the_frame():
    smoke = np.full((60, 60), 0.5, np.float32)
    for seed in range(10):
        arrays, _ = place_white(smoke, seed)
        assert (arrays["trimap"] == 0).any()
