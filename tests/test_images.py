import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from model import guides, images, pipeline

HALF = 128 / 255
READERS = [images.read_image, images.read_grey, guides.read_trimap, images.read_cutout]


def save(path, levels, mode=None, **options):
    picture = Image.fromarray(np.asarray(levels, np.uint8))
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from([(), (3,), (4,)]).flatmap(
        lambda channels: st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
            lambda sides: arrays.arrays(np.uint8, (*sides, *channels))
        )
    )
)
def test_png_keeps_every_8_bit_value(tmp_path, levels):
    path = tmp_path / "picture.png"
    images.write_image(path, levels)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), levels)
    if levels.ndim == 2:
        np.testing.assert_array_equal(images.to_uint8(images.read_grey(path)), levels)
    elif levels.shape[2] == 3:
        np.testing.assert_array_equal(images.to_uint8(images.read_image(path)), levels)


def test_every_8_bit_value_survives_the_way_through_floats():
    levels = np.arange(256, dtype=np.uint8)
    floats = levels.astype(np.float32) / 255
    np.testing.assert_array_equal(images.to_uint8(floats), levels)
    np.testing.assert_array_equal(images.to_uint8(np.float32([-1, 2])), [0, 255])


@pytest.mark.parametrize("ending", [".png", ".webp", ".tiff"])
def test_a_cutout_keeps_its_hidden_colours(tmp_path, ending):
    rng = np.random.default_rng(1)
    rgba = rng.integers(0, 256, (9, 11, 4), np.uint8)
    rgba[:4, :, 3] = 0
    floats = rgba.astype(np.float32) / 255
    path = tmp_path / f"cutout{ending}"
    images.write_image(path, floats)
    foreground, alpha = images.read_cutout(path)
    np.testing.assert_array_equal(images.to_uint8(foreground), rgba[..., :3])
    np.testing.assert_array_equal(images.to_uint8(alpha), rgba[..., 3])


def test_a_tag_that_cannot_be_written_does_not_keep_a_photograph_from_turning(tmp_path):
    entries = struct.pack("<HHII", 0x010F, 4, 1, 7)  # the maker, as a number
    entries += struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    levels = np.zeros((8, 16, 3), np.uint8)
    levels[:, :8] = 255
    path = save(tmp_path / "photo.jpg", levels, exif=exif)
    upright = images.read_image(path)  # a quarter turn clockwise
    assert upright.shape == (16, 8, 3)
    assert upright[:8].min() > 0.9 and upright[8:].max() < 0.1
    damaged = save(tmp_path / "other.jpg", levels, exif=exif[:30])
    assert images.read_image(damaged).shape == (8, 16, 3)


def test_deep_strokes_keep_their_greys_whatever_is_transparent(tmp_path):
    levels = np.full((6, 6), 32768, np.uint16)
    levels[0], levels[5] = 65535, 0
    path = tmp_path / "strokes.png"
    Image.fromarray(levels).save(path, transparency=1)
    np.testing.assert_array_equal(guides.read_strokes(path)[:, 0], [255, *[128] * 4, 0])


def test_what_is_no_number_is_black(tmp_path):
    path = tmp_path / "grey.tiff"
    Image.fromarray(np.float32([[0.25, np.nan], [np.inf, -0.005]])).save(path)
    np.testing.assert_array_equal(images.read_grey(path), [[0.25, 0], [1, 0]])


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (np.float32([[0, 255]]), "levels from 0 to 255; scale them to 0 to 1"),
        (np.float32([[-1, 1]]), "levels from -1 to 1; scale them to 0 to 1"),
        (np.int32([[0, 70000]]), "levels from 0 to 70000; scale them to 0 to 65535"),
    ],
)
def test_deep_levels_on_another_scale_are_refused(levels, told, tmp_path):
    path = tmp_path / "grey.tiff"
    Image.fromarray(levels).save(path)
    for reader in READERS[:3]:
        with pytest.raises(ValueError, match=f"^{path}: {told}$"):
            reader(path)
    with Image.open(path) as opened:
        with pytest.raises(ValueError, match=f"^trimap: {told}$"):
            pipeline.read_trimap(opened)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("orientation", [6, 7])
def test_a_tiff_on_its_side_is_not_read_at_the_wrong_width(tmp_path, mode, orientation):
    levels = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    expected = np.dstack([levels] * 3)
    if mode == "I;16":
        stored = Image.fromarray(levels.astype(np.uint16) * 257)
    else:
        stored = Image.fromarray(expected).convert(mode)
        expected = np.asarray(stored.convert("RGB"))  # a palette has not all of them
    back = {6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}[orientation]
    path = tmp_path / "turned.tiff"
    stored.transpose(back).save(path, tiffinfo={0x0112: orientation})
    np.testing.assert_array_equal(images.to_uint8(images.read_image(path)), expected)
    with Image.open(path) as opened:
        found = images.to_uint8(pipeline.read_image(opened))
        np.testing.assert_array_equal(found, expected)
        assert opened.filename == str(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_trimap_are_turned_upright_alike(tmp_path, orientation):
    upright = np.array([[0, 0, 255], [128, 255, 255]], np.uint8)
    undo = {  # what a camera stores for each EXIF orientation
        1: lambda stored: stored,
        2: np.fliplr,
        3: lambda stored: np.rot90(stored, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda stored: np.rot90(stored, 1),
        7: lambda stored: np.rot90(stored, 2).T,
        8: lambda stored: np.rot90(stored, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(undo[orientation](upright))
    path = save(tmp_path / "photo.png", stored, exif=exif)
    np.testing.assert_array_equal(guides.read_trimap(path), upright)
    np.testing.assert_array_equal(
        images.to_uint8(images.read_image(path)), np.dstack([upright] * 3)
    )


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK"])
def test_a_picture_of_any_mode_is_read_with_the_right_values(tmp_path, mode):
    levels = np.array([[[0, 0, 0], [255, 255, 255]], [[51, 51, 51], [204, 204, 204]]])
    path = save(tmp_path / "a.tiff", levels, mode)
    expected = levels.astype(np.float32) / 255
    image = images.read_image(path)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, expected, atol=1e-6)
    np.testing.assert_allclose(images.read_grey(path), expected[..., 0], atol=1e-6)


def test_colours_of_a_palette_and_of_cmyk_are_right(tmp_path):
    levels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    for mode in ("P", "CMYK"):
        image = images.read_image(save(tmp_path / f"{mode}.tiff", levels, mode))
        np.testing.assert_array_equal(images.to_uint8(image), levels)


@pytest.mark.parametrize("ending", [".png", ".gif"])
def test_a_palette_with_transparency_is_read_by_every_reader(tmp_path, ending):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    path = tmp_path / f"palette{ending}"
    transparency = bytes([255, 0]) if ending == ".png" else 1
    picture.save(path, transparency=transparency)
    image = images.to_uint8(images.read_image(path))
    np.testing.assert_array_equal(image, [[[255, 0, 0], [0, 0, 255]]])
    foreground, alpha = images.read_cutout(path)
    np.testing.assert_array_equal(alpha, [[1, 0]])
    np.testing.assert_array_equal(foreground[0, 0], [1, 0, 0])
    assert images.read_grey(path).shape == (1, 2)


def test_a_palette_with_several_transparencies_is_read_without_a_warning(tmp_path):
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    for place in range(3):
        picture.putpixel((place, 0), place)
    picture.save(tmp_path / "palette.png", transparency=bytes([255, 128, 7]))
    image = images.to_uint8(images.read_image(tmp_path / "palette.png"))
    np.testing.assert_array_equal(image, [[[255, 0, 0], [0, 0, 255], [0, 255, 0]]])


def write_tiff(path, strip, bits, photometric, width, orientation=1):
    """A grey TIFF of one row, made by hand; without resolution."""
    tags = [(256, width), (257, 1), (258, bits), (259, 1), (262, photometric)]
    tags += [(273, 8), (274, orientation), (277, 1), (278, 1), (279, len(strip))]
    entries = [struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags]
    head = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    directory = struct.pack("<H", len(tags)) + b"".join(entries) + bytes(4)
    path.write_bytes(head + strip + directory)
    return path


@pytest.mark.parametrize(
    ("strip", "bits", "photometric", "expected"),
    [
        (struct.pack("<2H", 0, 65535), 16, 1, [0, 1]),
        (struct.pack("<2H", 0, 65535), 16, 0, [1, 0]),
        (struct.pack("<2H", 13107, 52428), 16, 0, [0.8, 0.2]),
        (bytes([0xFF, 0xF0, 0x00]), 12, 1, [1, 0]),
        (bytes([0x33, 0x3C, 0xCC]), 12, 1, [0.2, 0.8]),
    ],
)
def test_deep_grey_of_a_tiff_is_read_from_black_to_white(
    tmp_path, strip, bits, photometric, expected
):
    mirrored = write_tiff(tmp_path / "turned.tif", strip, bits, photometric, 2, 2)
    np.testing.assert_allclose(images.read_grey(mirrored)[0], expected[::-1], atol=1e-4)
    path = write_tiff(tmp_path / "deep.tif", strip, bits, photometric, 2)
    np.testing.assert_allclose(images.read_grey(path), [expected], atol=1e-4)
    image = images.read_image(path)
    np.testing.assert_allclose(image[0, :, 1], expected, atol=1e-4)


def test_a_resolution_that_is_not_told_is_none_and_others_turn_along(tmp_path):
    path = write_tiff(tmp_path / "plain.tif", bytes([0, 0, 0, 0]), 16, 1, 2)
    assert images.read_photograph(path).resolution is None
    exif = Image.Exif()
    for orientation, expected in ((3, (300, 72)), (6, (72, 300))):
        exif[0x0112] = orientation
        for ending in ("jpg", "png", "tif"):
            path = tmp_path / f"{orientation}.{ending}"
            Image.new("RGB", (6, 4)).save(path, dpi=(300, 72), exif=exif)
            found = images.read_photograph(path).resolution
            assert found == pytest.approx(expected, abs=0.02)  # PNG: per metre


def test_a_mask_in_lab_is_its_lightness(tmp_path):
    picture = Image.new("LAB", (2, 1), (0, 128, 128))
    picture.putpixel((1, 0), (255, 128, 128))
    picture.save(tmp_path / "lab.tif")
    grey = images.read_grey(tmp_path / "lab.tif")
    assert grey.shape == (1, 2) and grey[0, 0] < 0.1 < 0.9 < grey[0, 1]


def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path):
    levels = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    expected = levels.astype(np.float32) / 65535
    grey = images.read_grey(tmp_path / "deep.png")
    np.testing.assert_allclose(grey, expected, atol=1e-6)
    image = images.read_image(tmp_path / "deep.png")
    np.testing.assert_allclose(image, np.dstack([expected] * 3), atol=1e-6)
    trimap = guides.read_trimap(tmp_path / "deep.png")
    np.testing.assert_array_equal(trimap, [[0, 0, 128, 255]])


def test_a_trimap_is_read_from_grey_rgb_rgba_and_bilevel_alike(tmp_path):
    trimap = np.array([[0, 128, 255], [255, 0, 128]], np.uint8)
    for mode in ("L", "RGB", "RGBA", "LA", "P"):
        path = save(tmp_path / f"{mode}.png", trimap, mode)
        np.testing.assert_array_equal(guides.read_trimap(path), trimap)
    path = save(tmp_path / "1.png", [[0, 255]], "1")
    np.testing.assert_array_equal(guides.read_trimap(path), [[0, 255]])


def test_colours_hidden_in_a_trimap_count_for_nothing(tmp_path):
    levels = np.uint8([[[255, 0], [0, 255], [128, 255], [255, 255], [255, 90]]])
    path = tmp_path / "trimap.png"
    Image.fromarray(levels).save(path)
    expected = [[128, 0, 128, 255, 128]]
    np.testing.assert_array_equal(guides.read_trimap(path), expected)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(pipeline.read_trimap(opened), expected)


def test_a_sloppy_trimap_is_forgiven(tmp_path):
    path = save(tmp_path / "sloppy.png", [[3, 25, 100, 127, 160, 231, 252]])
    expected = [[0, 0, 128, 128, 128, 255, 255]]
    np.testing.assert_array_equal(guides.read_trimap(path), expected)


def test_a_mask_in_the_transparency_alone_is_found(tmp_path):
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[..., 3] = [0, 128, 255]
    grey = images.read_grey(save(tmp_path / "mask.png", rgba))
    np.testing.assert_allclose(grey, [[0, HALF, 1]])


def test_an_opaque_rgba_trimap_of_one_grey_is_that_grey(tmp_path):
    rgba = np.full((2, 2, 4), 128, np.uint8)
    rgba[..., 3] = 255
    path = save(tmp_path / "unknown.png", rgba)
    np.testing.assert_allclose(images.read_grey(path), np.full((2, 2), HALF))
    assert (guides.read_trimap(path) == 128).all()


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_cannot_be_read_gives_one_line_that_names_it(tmp_path, reader):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8)
    whole = save(tmp_path / "whole.png", noise).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not a picture\n")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    cases = {name: ValueError for name in ("cut", "text", "empty", "folder")}
    for name, kind in {**cases, "missing": FileNotFoundError}.items():
        path = tmp_path / f"{name}.png"
        with pytest.raises(kind) as caught:
            reader(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_picture_with_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "large.png", np.zeros((20, 20)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    with pytest.raises(ValueError, match="too many pixels; resize it first"):
        images.read_image(path)


def test_a_cutout_without_a_cut_is_refused(tmp_path):
    rgb = save(tmp_path / "rgb.png", np.zeros((2, 2, 3)))
    opaque = save(tmp_path / "opaque.png", np.full((2, 2, 4), 255))
    empty = save(tmp_path / "empty.png", np.zeros((2, 2, 4)))
    for path, what in ((rgb, "no alpha"), (opaque, "opaque"), (empty, "transparent")):
        with pytest.raises(ValueError, match=what):
            images.read_cutout(path)


def test_a_failed_save_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    images.write_image(path, np.zeros((2, 2)))
    before = path.read_bytes()

    def half_a_save(picture, file, *_, **__):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", half_a_save)
    with pytest.raises(OSError, match="no space left"):
        images.write_image(path, np.ones((2, 2)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_a_known_ending_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"picture.txt: no picture format"):
        images.write_image(tmp_path / "new" / "picture.txt", np.zeros((2, 2)))
    assert not list(tmp_path.iterdir())


def test_missing_folders_are_made(tmp_path):
    images.write_image(tmp_path / "a" / "b" / "c.png", np.zeros((2, 2)))
    assert (tmp_path / "a" / "b" / "c.png").exists()


def test_threads_that_read_leave_the_warnings_alone(tmp_path):
    images.write_image(tmp_path / "a.png", np.zeros((9, 9, 3), np.float32))
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(images.read_image, [tmp_path / "a.png"] * 200))
    assert warnings.filters == before
