import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from model import matting
from scripts.collect import checkerboard, gates
from tests.profiled import exchanged_profile


def draw_leaf(side=320, seed=0):
    """A soft disc of noisy colours, black under alpha 0: (H, W, 4) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((side, side)) - side / 2 + 0.5
    alpha = np.clip((0.45 * side - np.hypot(rows, columns)) / 9 + 0.5, 0, 1)
    rgba = np.empty((side, side, 4), np.uint8)
    noise = random.integers(60, 200, (side // 16, side // 16, 3), np.uint8)
    rgba[..., :3] = np.asarray(Image.fromarray(noise).resize((side, side)))
    rgba[..., 3] = np.round(alpha * 255)
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def draw_photograph(height=300, width=400, seed=0):
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


def encode(array, file_format="PNG", **options):
    buffer = io.BytesIO()
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def stored(prepared):
    return np.asarray(Image.open(io.BytesIO(prepared.data)))


def test_a_cutout_keeps_its_alpha_and_gets_colours_beyond_its_edge():
    rgba = draw_leaf()
    prepared = gates.prepare(encode(rgba), "foreground")
    box = Image.fromarray(rgba[..., 3]).getbbox()
    top, left = max(box[1] - gates.MARGIN, 0), max(box[0] - gates.MARGIN, 0)
    kept = stored(prepared)
    height, width = kept.shape[:2]
    cut = rgba[top : top + height, left : left + width]
    np.testing.assert_array_equal(kept[..., 3], cut[..., 3])
    assert kept[kept[..., 3] == 0][:, :3].min() > 30  # no black under alpha 0
    inside = cut[..., 3] == 255
    difference = kept[inside][:, :3].astype(int) - cut[inside][:, :3]
    assert abs(difference).mean() < 4
    assert (prepared.width, prepared.height) == (width, height)
    assert prepared.sha256 == hashlib.sha256(prepared.data).hexdigest()
    assert prepared.suffix == ".webp" and len(prepared.phash) == 16


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("RGBA", "WEBP"),
        ("RGBA", "DDS"),
        ("RGBA", "TGA"),
        ("RGBA", "SGI"),
        ("LA", "PNG"),
        ("PA", "PNG"),
        ("RGBA", "TIFF"),
    ],
)
def test_cutouts_of_many_formats_are_read(mode, file_format):
    picture = Image.fromarray(draw_leaf())
    if mode == "PA":
        picture = picture.quantize(64)
    data = encode(picture.convert(mode) if mode != "PA" else picture, file_format)
    assert gates.prepare(data, "foreground").suffix == ".webp"


def test_a_large_cutout_is_scaled_down_without_a_dark_rim():
    prepared = gates.prepare(encode(draw_leaf(900)), "foreground", largest_side=300)
    kept = stored(prepared)
    assert max(kept.shape) == 300
    assert kept[..., :3].min() > 30


def test_an_enormous_cutout_is_scaled_down_too():
    rgba = np.repeat(np.repeat(draw_leaf(400), 5, 0), 5, 1)
    prepared = gates.prepare(encode(rgba), "foreground", largest_side=300)
    assert max(prepared.width, prepared.height) == 300
    assert stored(prepared)[..., :3].min() > 25


def test_a_part_of_a_picture_is_cut_out_before_it_is_judged():
    atlas = np.zeros((320, 640, 4), np.uint8)
    atlas[:, :320], atlas[:, 320:] = draw_leaf(seed=1), draw_leaf(seed=2)
    data = encode(atlas)
    parts = [gates.prepare(data, "foreground", (x, 0, x + 320, 320)) for x in (0, 320)]
    alone = gates.prepare(encode(draw_leaf(seed=2)), "foreground")
    assert parts[1] == alone
    assert parts[0].phash != parts[1].phash
    for crop in ((0, 0, 641, 10), (5, 5, 5, 9), (-1, 0, 5, 5), (0, 300, 10, 321)):
        with pytest.raises(gates.Refused, match="crop outside"):
            gates.prepare(data, "foreground", crop)


def with_alpha(alpha):
    return np.dstack([np.full((*alpha.shape, 3), 90, np.uint8), alpha.astype(np.uint8)])


def in_the_middle(fill, share=0.5):
    alpha = np.zeros((400, 400))
    side = int(200 * share)
    alpha[200 - side : 200 + side, 200 - side : 200 + side] = fill
    return with_alpha(alpha)


def sparse():
    alpha = np.zeros((400, 400))
    alpha[0, 0] = alpha[-1, -1] = alpha[200, 100:200] = 255
    return with_alpha(alpha)


@pytest.mark.parametrize(
    ("rgba", "reason"),
    [
        (draw_photograph(), "^no alpha$"),
        (with_alpha(np.full((300, 300), 255)), "opaque everywhere"),
        (with_alpha(np.full((300, 300), 0)), "transparent everywhere"),
        (in_the_middle(255, 0.9), "covers too much: 100.0%"),
        (in_the_middle(100, 0.9), "no transparent border: 0.0%"),
        (sparse(), "covers too little: 0.1%"),
        (draw_leaf(200), "too small: 1.. pixels"),
    ],
)
def test_what_is_no_cutout_is_refused_with_its_reason(rgba, reason):
    with pytest.raises(gates.Refused, match=reason):
        gates.prepare(encode(rgba), "foreground")


@pytest.mark.parametrize("square", [7, 8, 16, 40])
@pytest.mark.parametrize("quality", [None, 60])
def test_a_painted_checkerboard_is_told_from_a_missing_alpha(square, quality):
    side = 500
    rgba = draw_leaf(side).astype(np.float32) / 255
    board = matting.checkerboard(side, side, square)
    painted = matting.composite(rgba[..., :3], board, rgba[..., 3])
    painted = np.round(painted * 255).astype(np.uint8)
    data = encode(painted, "JPEG", quality=quality) if quality else encode(painted)
    with pytest.raises(gates.Refused, match="fake checkerboard"):
        gates.prepare(data, "foreground")


def test_a_scaled_checkerboard_is_found_as_well():
    board = np.uint8(matting.checkerboard(600, 600, 16) * 255)
    board = np.asarray(Image.fromarray(board).resize((431, 431)))
    assert checkerboard.is_checkerboard(board)


def test_stripes_noise_flat_greys_and_photographs_are_no_checkerboards():
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[(np.arange(300) // 8) % 2 == 0] = 200
    random = np.random.default_rng(0)
    noise = random.choice([100, 200], (300, 300, 1)).astype(np.uint8).repeat(3, 2)
    flat = np.full((300, 300, 3), 200, np.uint8)
    tiny = np.zeros((5, 5, 3), np.uint8)
    for picture in (stripes, noise, flat, tiny, draw_photograph()):
        assert not checkerboard.is_checkerboard(picture)


def test_a_background_is_stored_as_jpeg_and_scaled_down():
    data = encode(draw_photograph(600, 900))
    prepared = gates.prepare(data, "background", largest_side=450)
    assert (prepared.width, prepared.height, prepared.suffix) == (450, 300, ".jpg")
    assert stored(prepared).shape == (300, 450, 3)


@pytest.mark.parametrize("kind", ["foreground", "background"])
def test_colours_of_another_profile_are_stored_as_they_look(kind):
    """Of one in which red and green are exchanged."""
    profile = exchanged_profile()
    array = draw_leaf() if kind == "foreground" else draw_photograph()
    plain, tagged = (
        np.asarray(stored(gates.prepare(encode(array, **options), kind)))
        for options in ({}, {"icc_profile": profile})
    )
    exchanged = plain[..., [1, 0, 2, 3][: plain.shape[2]]].astype(int)
    is_seen = plain[..., 3] > 0 if kind == "foreground" else np.full(plain.shape[:2], 1)
    assert np.abs(tagged - exchanged)[is_seen.astype(bool)].mean() < 3
    assert np.abs(tagged - plain.astype(int)).mean() > 5


def test_a_background_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    data = encode(draw_photograph(300, 400), "JPEG", exif=exif)
    prepared = gates.prepare(data, "background")
    assert (prepared.width, prepared.height) == (300, 400)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (draw_leaf(), "has transparency"),
        (draw_photograph(190, 900), "too small: 190 pixels"),
        (np.full((300, 300, 3), 90, np.uint8), "flat: greys vary by 0.0%"),
        (np.full((300, 300), 9000, np.uint16), "not 8 bits a channel"),
    ],
)
def test_what_is_no_background_is_refused_with_its_reason(picture, reason):
    with pytest.raises(gates.Refused, match=reason):
        gates.prepare(encode(picture), "background")


def test_an_alpha_channel_that_is_opaque_does_no_harm_to_a_background():
    opaque = np.dstack([draw_photograph(), np.full((300, 400), 255, np.uint8)])
    assert gates.prepare(encode(opaque), "background").suffix == ".jpg"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "^not a picture$"),
        (b"<html><body>Not found</body></html>", "^not a picture$"),
        (encode(draw_photograph())[:20_000], "not a complete picture"),
        (encode(draw_photograph(), "JPEG")[:2_000], "not a complete picture"),
        (encode(draw_photograph(), "WEBP")[:2_000], "not a (complete )?picture"),
        (b"DDS \x7c" + bytes(123), "not a picture that can be decoded: Unknown pixel"),
    ],
)
@pytest.mark.parametrize("kind", ["foreground", "background"])
def test_what_cannot_be_decoded_to_its_end_is_refused(kind, data, reason):
    with pytest.raises(gates.Refused, match=reason) as caught:
        gates.prepare(data, kind)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("no\nframe"), MemoryError, KeyError])
def test_a_decoder_that_breaks_down_refuses_the_file(monkeypatch, error):
    def fail(*arguments):
        raise error

    data = encode(draw_photograph(), "BMP")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    reason = (
        "^(not a picture that can be decoded: (no frame|KeyError)|too many pixels)$"
    )
    with pytest.raises(gates.Refused, match=reason):
        gates.prepare(data, "background")


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    for side in (300, 400):  # once a warning of Pillow, once an error
        with pytest.raises(gates.Refused, match="^too many pixels$"):
            gates.prepare(encode(np.zeros((side, side, 3), np.uint8)), "background")


def test_cutouts_that_look_the_same_have_near_hashes_whatever_hides_under_alpha_0():
    rgba = draw_leaf(600)
    painted = np.where(rgba[..., 3:] == 0, np.uint8(250), rgba)
    painted[..., 3] = rgba[..., 3]
    small = np.asarray(Image.fromarray(rgba).resize((400, 400)))
    other = draw_leaf(600, seed=5)
    pictures = (rgba, painted, small, other)
    hashes = [
        int(gates.prepare(encode(picture), "foreground").phash, 16)
        for picture in pictures
    ]
    assert (hashes[0] ^ hashes[1]).bit_count() == 0
    assert (hashes[0] ^ hashes[2]).bit_count() <= 4
    assert (hashes[0] ^ hashes[3]).bit_count() > 4
