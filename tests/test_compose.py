import numpy as np
import pytest

from model import camera, compose, cutout, images, matting


def set_probability(monkeypatch, name, value):
    """Sets how often something is done to a crop, or to a picture by a camera."""
    name = f"{name}_PROBABILITY"
    module = camera if hasattr(camera, name) else compose
    monkeypatch.setattr(module, name, value)


@pytest.fixture
def layers(soft_disc):
    random = np.random.default_rng(5)
    return {
        "upper": cutout.prepare(*soft_disc(200, 1)),
        "lower": cutout.prepare(*soft_disc(160, 2)),
        "background": random.integers(0, 256, (240, 320, 3), np.uint8),
    }


def crop(layers, seed, size=96, lower=True):
    return compose.compose_crop(
        layers["upper"],
        layers["lower"] if lower else None,
        layers["background"],
        size,
        np.random.default_rng(seed),
    )


def test_a_crop_has_the_stated_shapes_and_types(layers):
    sample = crop(layers, 0)
    assert {name: array.shape for name, array in sample.items()} == {
        "image": (96, 96, 3),
        "foreground": (96, 96, 3),
        "alpha": (96, 96),
        "trimap": (96, 96),
    }
    assert all(array.dtype == np.uint8 for array in sample.values())


def test_the_same_seed_gives_the_same_crop_and_another_seed_another(layers):
    one, same, other = crop(layers, 3), crop(layers, 3), crop(layers, 4)
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert np.any(one["image"] != other["image"])


def test_every_crop_has_unknown_pixels_and_its_trimap_agrees_with_its_alpha(layers):
    for seed in range(30):
        sample = crop(layers, seed)
        alpha, trimap = sample["alpha"], sample["trimap"]
        assert np.any(trimap == matting.UNKNOWN)
        assert np.all(alpha[trimap == matting.FOREGROUND] == 255)
        assert np.all(alpha[trimap == matting.BACKGROUND] == 0)


def test_where_alpha_is_full_an_undegraded_image_shows_the_foreground(
    layers, monkeypatch
):
    monkeypatch.setattr(compose, "EDITOR_PROBABILITY", 1)
    for name in ("LENS", "SHARPEN", "NOISE", "JPEG"):
        set_probability(monkeypatch, name, 0)
    for seed in range(10):
        sample = crop(layers, seed)
        is_full = sample["alpha"] == 255
        difference = np.abs(
            sample["image"].astype(int) - sample["foreground"].astype(int)
        )
        assert np.all(difference[is_full] <= 1)


def test_trimap_bands_vary_on_either_side(layers):
    shares = []
    for seed in range(30):
        trimap = crop(layers, seed, lower=False)["trimap"]
        shares.append([np.mean(trimap == code) for code in (0, 255)])
    assert np.ptp(shares, axis=0).min() > 0.05


def test_more_of_the_opaque_than_of_the_clear_side_is_unknown():
    alpha = np.zeros((200, 200), np.uint8)
    alpha[:, 100:] = 255
    random = np.random.default_rng(0)
    trimaps = np.stack([compose.random_trimap(alpha, random) for _ in range(200)])
    is_unknown = trimaps == matting.UNKNOWN
    opaque, clear = is_unknown[..., 100:].mean(), is_unknown[..., :100].mean()
    assert 1.3 * clear < opaque < 2 * clear


def test_bands_are_no_wider_in_larger_crops():
    widths = []
    for size in (256, 512):
        alpha = np.zeros((size, size), np.uint8)
        alpha[:, size // 2 :] = 255
        random = np.random.default_rng(0)
        trimaps = [compose.random_trimap(alpha, random) for _ in range(100)]
        widths.append([(trimap[0] == matting.UNKNOWN).sum() for trimap in trimaps])
    assert widths[0] == widths[1]
    assert max(widths[0]) > 30


def test_a_background_is_shrunk_or_enlarged():
    """A stripe of one pixel is seen at many widths."""
    background = np.zeros((400, 400, 3), np.uint8)
    background[:, ::20] = 255
    seen = set()
    for seed in range(20):
        piece = compose.crop_background(background, 64, np.random.default_rng(seed))
        assert piece.shape == (64, 64, 3)
        assert piece.dtype == np.float32 and 0 <= piece.min() <= piece.max() <= 1
        power = np.abs(np.fft.rfft(piece.mean(axis=(0, 2)) - piece.mean()))
        seen.add(int(power.argmax()))
    assert min(seen) <= 2 and max(seen) >= 5  # 64 pixels are 1.3 to 5.3 stripes


@pytest.mark.parametrize("name", ["LENS", "SHARPEN", "NOISE", "JPEG"])
def test_red_stays_red_through_every_step_from_file_to_crop(
    soft_disc, tmp_path, monkeypatch, name
):
    """One colour order, RGB, in reading, compositing, noise and compression."""
    for other in ("SPILL", "LENS", "SHARPEN", "NOISE", "JPEG"):
        set_probability(monkeypatch, other, other == name)
    foreground, alpha = soft_disc(200, 0)
    foreground[:] = [0.9, 0.2, 0.1]
    images.write_image(tmp_path / "red.png", np.dstack([foreground, alpha]))
    images.write_image(tmp_path / "blue.png", np.full((99, 99, 3), [0.1, 0.2, 0.9]))
    red = cutout.prepare(*images.read_cutout(tmp_path / "red.png"))
    blue = images.to_uint8(images.read_image(tmp_path / "blue.png"))
    for seed in range(5):
        sample = compose.compose_crop(red, None, blue, 96, np.random.default_rng(seed))
        is_red, is_blue = sample["alpha"] == 255, sample["alpha"] == 0
        for part, region, high, low in (
            ("image", is_red, 0, 2),
            ("image", is_blue, 2, 0),
            ("foreground", is_red, 0, 2),
        ):
            colour = sample[part][region].astype(float).mean(axis=0)
            assert colour[high] > colour[low] + 40


@pytest.mark.parametrize(("is_edited", "middle"), [(0, 0.73), (1, 0.5)])
def test_cameras_add_up_light_and_editors_the_values_of_files(
    monkeypatch, is_edited, middle
):
    for name in ("GLINT", "SPILL", "LENS", "SHARPEN", "NOISE", "JPEG", "DEFOCUS"):
        set_probability(monkeypatch, name, 0)
    monkeypatch.setattr(compose, "EDITOR_PROBABILITY", is_edited)
    monkeypatch.setattr(compose, "GAMMA", (2.2, 2.2))
    monkeypatch.setattr(compose, "DENSITY", (1, 1))
    monkeypatch.setattr(camera, "recolour", lambda colour, *_, **__: colour)
    white = cutout.prepare(
        np.ones((96, 96, 3), np.float32), np.full((96, 96), 0.5, np.float32)
    )
    black = np.zeros((99, 99, 3), np.uint8)
    sample = compose.compose_crop(white, None, black, 64, np.random.default_rng(0))
    half = sample["image"][sample["alpha"] == 128]
    assert half.mean() / 255 == pytest.approx(middle, abs=0.01)


def test_a_texture_gives_its_colours_and_not_its_shape(layers, monkeypatch):
    monkeypatch.setattr(compose, "STRANDS_SHARE", 0)
    monkeypatch.setattr(compose, "PELT_SHARE", 0)
    monkeypatch.setattr(camera, "recolour", lambda colour, *_, **__: colour)
    for name in ("SPILL", "GLINT", "SHADE"):
        set_probability(monkeypatch, name, 0)
    green = np.full((120, 120, 3), [0, 200, 0], np.uint8)

    def make(texture):
        random = np.random.default_rng(1)
        return compose.compose_crop(
            layers["upper"], None, layers["background"], 64, random, texture
        )

    np.testing.assert_array_equal(make(green)["foreground"], green[:64, :64])
    assert np.any(make(None)["foreground"] != green[:64, :64])
    assert 0 < make(green)["alpha"].mean() < 255


def test_something_hairy_is_drawn_in_place_of_a_cutout(layers, monkeypatch):
    monkeypatch.setattr(compose, "STRANDS_SHARE", 0)
    monkeypatch.setattr(compose, "PELT_SHARE", 1)
    monkeypatch.setattr(cutout, "crop", None)
    random = np.random.default_rng(1)
    sample = compose.compose_crop(
        layers["upper"], None, layers["background"], 64, random, layers["background"]
    )
    for level in (matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND):
        assert np.any(sample["trimap"] == level)


def test_smoke_stays_thin_and_what_is_opaque_somewhere_becomes_denser(monkeypatch):
    monkeypatch.setattr(compose, "DENSITY", (8, 8))
    for name in ("LENS", "NOISE"):
        set_probability(monkeypatch, name, 0)
    background = np.zeros((99, 99, 3), np.uint8)
    means = []
    for most in (0.5, 1.0):
        alpha = np.full((200, 200), 0.5, np.float32)
        alpha[80:120] = most
        source = cutout.prepare(np.ones((200, 200, 3), np.float32), alpha)
        assert source.is_solid == (most == 1)
        random = np.random.default_rng(0)
        sample = compose.compose_crop(source, None, background, 64, random)
        means.append(np.median(sample["alpha"]) / 255)
    assert means[0] == pytest.approx(0.5, abs=0.01) and means[1] > 0.98


def test_translucent_things_are_nearly_whole_and_hide_little(layers, monkeypatch):
    monkeypatch.setattr(compose, "SMOKE_SHARE", 0)
    monkeypatch.setattr(compose, "TINT_PROBABILITY", 1)
    texture = np.full((99, 99, 3), 200, np.uint8)
    seen, opaque = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        sample = compose.compose_translucent(
            layers["upper"], layers["background"], 64, random, texture
        )
        alpha, trimap = sample["alpha"], sample["trimap"]
        assert alpha.shape == trimap.shape == (64, 64)
        assert np.all(alpha[trimap == matting.FOREGROUND] == 255)
        assert np.all(alpha[trimap == matting.BACKGROUND] == 0)
        seen.append(np.mean(alpha > 0))
        opaque.append(np.mean(alpha == 255))
    assert np.median(seen) > 0.1 and max(seen) < 1
    assert np.median(opaque) < 0.02


def test_a_translucent_cutout_keeps_its_alpha(monkeypatch):
    monkeypatch.setattr(compose, "SMOKE_SHARE", 0)
    for name in ("LENS", "NOISE", "HIGHLIGHT"):
        set_probability(monkeypatch, name, 0)
    alpha = np.zeros((200, 200), np.float32)
    alpha[50:150, 50:150] = 0.5
    source = cutout.prepare(np.ones((200, 200, 3), np.float32), alpha)
    black = np.zeros((99, 99, 3), np.uint8)
    sample = compose.compose_translucent(
        source, black, 64, np.random.default_rng(0), black
    )
    assert np.median(sample["alpha"][sample["alpha"] > 9]) == pytest.approx(128, abs=1)


def test_smoke_is_drawn_in_place_of_a_cutout(layers, monkeypatch):
    monkeypatch.setattr(compose, "SMOKE_SHARE", 1)
    monkeypatch.setattr(cutout, "crop", None)
    texture = np.full((99, 99, 3), 200, np.uint8)
    sample = compose.compose_translucent(
        layers["upper"], layers["background"], 64, np.random.default_rng(2), texture
    )
    assert len(np.unique(sample["alpha"])) > 15


def test_translucent_things_get_highlights(layers, monkeypatch):
    monkeypatch.setattr(compose, "SMOKE_SHARE", 1)
    set_probability(monkeypatch, "HIGHLIGHT", 1)
    monkeypatch.setattr(
        compose.smoke, "highlight", lambda colours, alpha, _: (colours, 0 * alpha + 1)
    )
    texture = np.full((99, 99, 3), 200, np.uint8)
    sample = compose.compose_translucent(
        layers["upper"], layers["background"], 64, np.random.default_rng(2), texture
    )
    assert np.all(sample["alpha"] == 255)


@pytest.mark.parametrize("share", [0, 1])
def test_woven_things_are_full_of_holes_and_known_where_the_trimap_says(
    layers, share, monkeypatch
):
    monkeypatch.setattr(compose, "FRINGE_SHARE", share)
    texture = np.full((99, 99, 3), 200, np.uint8)
    clear, opaque = [], []
    for seed in range(10):
        sample = compose.compose_woven(
            [layers["upper"], layers["lower"]],
            layers["background"],
            64,
            np.random.default_rng(seed),
            texture,
        )
        alpha, trimap = sample["alpha"], sample["trimap"]
        assert sample["image"].shape == sample["foreground"].shape == (64, 64, 3)
        assert np.all(alpha[trimap == matting.FOREGROUND] == 255)
        assert np.all(alpha[trimap == matting.BACKGROUND] == 0)
        clear.append(np.mean(alpha == 0))
        opaque.append(np.mean(alpha == 255))
    assert 0.05 < np.mean(clear) < 0.9 and np.mean(opaque) > 0.05
