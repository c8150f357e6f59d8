"""eval.py: what it refuses and how, and what it writes."""

import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import model
from model import checkpoint, doctor, images, outputs, places, predict
from model import network as network_module
from tests.profiled import exchanged_profile

ROOT = Path(__file__).resolve().parent.parent
LOGDIR = ROOT / "log" / "matting"
HEIGHT, WIDTH = 24, 32
program = importlib.import_module("eval")

BAD_INPUT = {
    "no image": ("none.png trimap.png new.png", "none.png: no such file"),
    "no trimap": ("image.png none.png new.png", "none.png: no such file"),
    "image is text": ("text.png trimap.png new.png", "text.png: not a complete"),
    "trimap is text": ("image.png text.png new.png", "text.png: not a complete"),
    "half an image": ("half.png trimap.png new.png", "half.png: not a complete"),
    "image is a folder": (
        "folder trimap.png new.png",
        "new.png: named as a picture; INPUT is a folder, give a folder",
    ),
    "trimap is none": (
        "folder trimap.png new",
        "trimap.png: no such folder; INPUT is one, so this has to be one too",
    ),
    "an empty folder": ("folder folder.png new", "folder: no picture in this folder"),
    "other size": (
        "image.png small.png new.png",
        "small.png: trimap is 16x12 but its image is 32x24; give two",
    ),
    "no foreground": (
        "image.png no-foreground.png new.png",
        "no-foreground.png: trimap has no foreground pixels, "
        "got 50% background and 50% unknown; paint foreground white, background black "
        "and the border between them grey; or give --translucent, if nothing is opaque",
    ),
    "nothing translucent": (
        "image.png black.png new.png --translucent",
        "black.png: trimap has no unknown pixels, got 100% background; paint",
    ),
    "no background": (
        "image.png no-background.png new.png",
        "trimap has no background pixels, got 50% foreground and 50% unknown; paint",
    ),
    "no unknown": (
        "image.png no-unknown.png new.png",
        "trimap has no unknown pixels, got 50% foreground and 50% background; paint",
    ),
    "black trimap": (
        "image.png black.png new.png",
        "trimap has no foreground and no unknown pixels, got 100% background; paint",
    ),
    "no such snapshot": (
        "image.png trimap.png new.png --checkpoint 7",
        "log: no checkpoint 7; there are 100, 200",
    ),
    "negative snapshot": (
        "image.png trimap.png new.png --checkpoint -2",
        "log: no checkpoint -2; there are 100, 200",
    ),
    "no run": (
        "image.png trimap.png new.png --logdir none",
        "none: no checkpoint here; train one",
    ),
    "jpeg": (
        "image.png trimap.png new.jpg",
        "new.jpg: a .jpg file has no transparency in 256 levels, which the cut-out "
        "needs; end OUTPUT in .png, or give --composite and a background",
    ),
    "gif": ("image.png trimap.png new.GIF", "new.GIF: a .GIF file has no transparency"),
    "no ending": ("image.png trimap.png new", "new: a file without ending has no"),
    "no folder": (
        "image.png trimap.png none/new.png",
        "none/new.png: no folder none; make it first",
    ),
    "output is a folder": (
        "image.png trimap.png folder.png",
        "folder.png: a folder; give the name of a file",
    ),
    "over the image": (
        "image.png trimap.png image.png",
        "image.png: would overwrite the input; give another name",
    ),
    "over the trimap": (
        "image.png trimap.png folder/../trimap.png",
        "trimap.png: would overwrite the input; give another name",
    ),
    "over a link to the image": (
        "image.png trimap.png link.png",
        "link.png: would overwrite the input; give another name",
    ),
    "alpha over the image": (
        "image.png trimap.png new.png --alpha image.png",
        "image.png: would overwrite the input; give another name",
    ),
    "alpha over the trimap": (
        "image.png trimap.png new.png --alpha trimap.png",
        "trimap.png: would overwrite the input; give another name",
    ),
    "alpha over the output": (
        "image.png trimap.png new.png --alpha ./new.png",
        "new.png: both OUTPUT and --alpha; give two files",
    ),
    "alpha without folder": (
        "image.png trimap.png new.png --alpha none/alpha.png",
        "none/alpha.png: no folder none; make it first",
    ),
    "alpha of no format": (
        "image.png trimap.png new.png --alpha alpha.xyz",
        "alpha.xyz: .xyz is no format that keeps 8 bits of grey; end it in .png",
    ),
    "deep alpha of no deep format": (
        "image.png trimap.png new.png --alpha alpha.webp --bits 16",
        "alpha.webp: .webp is no format that keeps 16 bits of grey; end it in .png",
    ),
    "colours over alpha": (
        "image.png trimap.png new.png --alpha same.png --foreground same.png",
        "same.png: both --alpha and --foreground; give two files",
    ),
    "no such background": (
        "image.png trimap.png new.png --composite none.png",
        "--composite: none.png is no file and no colour; give a picture, a colour",
    ),
    "a composite of no format": (
        "image.png trimap.png new.xyz --composite white",
        "new.xyz: a .xyz file is no picture; end it in .png or .jpg",
    ),
    "box outside": (
        "image.png new.png --box 10,10,30,10",
        "--box: box 10,10,30,10 is not inside the picture of 32x24",
    ),
    "box around everything": (
        "image.png new.png --box 0,0,32,24",
        "--box: box is the whole picture; leave some background around it",
    ),
    "mask without foreground": (
        "image.png new.png --mask black.png",
        "black.png: mask has no foreground (nothing is as white as 0.95); give one",
    ),
    "mask of another size": (
        "image.png new.png --mask small.png",
        "small.png: trimap is 16x12 but its image is 32x24; give two",
    ),
    "a box of nothing": (
        "wide.png new.png --box 11,11,3,3",
        "--box: box or strokes are too small, or leave too little background",
    ),
    "over the background": (
        "image.png trimap.png behind.png --composite behind.png",
        "behind.png: would overwrite the input; give another name",
    ),
    "too wide for webp": (
        "long.png new.webp --mask long-mask.png",
        "new.webp: .webp holds 16383 pixels a side at most, got 17000; end it in .png",
    ),
    "results over trimaps": (
        "pictures maps maps",
        "maps: given twice; results need a folder by itself",
    ),
    "results over pictures": (
        "pictures maps folder/../pictures",
        "pictures: given twice; results need a folder by itself",
    ),
    "results over results": (
        "pictures maps folder --alpha folder",
        "folder: given twice; results need a folder by itself",
    ),
    "a folder to stdout": (
        "pictures maps -",
        "-: INPUT is a folder, so OUTPUT has to be one too",
    ),
    "a folder over a file": (
        "pictures maps text.png",
        "text.png: a file; INPUT is a folder, so give a folder",
    ),
    "a colour out of range": (
        "image.png trimap.png new.png --composite rgb(999,0,0)",
        "--composite: rgb(999,0,0) is no file and no colour; give a picture",
    ),
    "a transparent colour": (
        "image.png trimap.png new.png --composite #12345678",
        "--composite: #12345678 is no file and no colour; give a picture",
    ),
    "levels of 255": (
        "image.png deep.tiff new.png",
        "deep.tiff: levels from 0 to 255; scale them to 0 to 1",
    ),
    "one kind of stroke": (
        "image.png new.png --scribbles no-foreground.png",
        "no-foreground.png: no stroke of foreground (white); draw one of each",
    ),
    "strokes of another size": (
        "image.png new.png --scribbles small.png",
        "small.png: strokes are 16x12 but the picture is 32x24; give two",
    ),
}
BAD_COMMANDS = ["no image", "other size", "no unknown", "jpeg", "no run"]


def picture(seed=0):
    values = np.random.RandomState(seed).randint(0, 256, (HEIGHT, WIDTH, 3))
    return Image.fromarray(values.astype(np.uint8))


def painted(*greys, size=(WIDTH, HEIGHT)):
    """A trimap of vertical bands."""
    width, height = size
    bands = np.repeat(np.array(greys, np.uint8), width // len(greys))
    bands = np.pad(bands, (0, width - len(bands)), mode="edge")
    return Image.fromarray(np.tile(bands, (height, 1)))


@pytest.fixture
def folder(tmp_path, monkeypatch, pictures):
    """The working directory with good and bad files, and an older cutout.png."""
    shutil.copytree(pictures, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """What `folder` is a copy of."""
    folder = tmp_path_factory.mktemp("pictures")
    before = os.getcwd()
    os.chdir(folder)
    try:
        write_pictures()
    finally:
        os.chdir(before)
    return folder


def write_pictures():
    picture().save("image.png")
    painted(0, 128, 255).save("trimap.png")
    painted(0, 128, 255, size=(16, 12)).save("small.png")
    painted(0, 128).save("no-foreground.png")
    painted(128, 255).save("no-background.png")
    painted(0, 255).save("no-unknown.png")
    painted(0).save("black.png")
    deep = np.asarray(painted(0, 128, 255), np.float32)
    Image.fromarray(deep).save("deep.tiff")
    Path("text.png").write_text("not a picture")
    Path("half.png").write_bytes(Path("image.png").read_bytes()[:1000])
    Path("link.png").symlink_to("image.png")
    for name in ("folder", "folder.png", "log", "pictures", "maps"):
        Path(name).mkdir()
    picture().save("pictures/a.png")
    painted(0, 128, 255).save("maps/a.png")
    picture().save("behind.png")
    Image.new("RGB", (1300, 1300), "red").save("wide.png")
    Image.new("RGB", (17000, 8)).save("long.png")
    painted(0, 255, size=(17000, 8)).save("long-mask.png")
    Path("cutout.png").write_bytes(b"old")


@pytest.fixture
def network(monkeypatch):
    """Replaces the network by one that keeps what it is given and knows the answer."""
    seen = {}

    def load_network(logdir, step):
        seen.update(logdir=logdir, step=step, loads=seen.get("loads", 0) + 1)
        return "network"

    def run(_, image, trimap, views):
        seen.update(image=image, trimap=trimap, views=views)
        alpha = trimap.astype(np.float32) / 255
        foreground = np.full_like(image, [0.2, 0.4, 0.6])
        return predict.finish(image, {"alpha": alpha, "foreground": foreground})

    def snapshots(logdir):
        return [100, 200] if Path(logdir).is_dir() else []

    monkeypatch.setattr(network_module, "load_network", load_network)
    monkeypatch.setattr(predict, "predict", run)
    monkeypatch.setattr(checkpoint, "snapshots", snapshots)
    return seen


def contents(folder):
    paths = sorted(folder.rglob("*"))
    return {path: path.read_bytes() for path in paths if path.is_file()}


def run(arguments):
    """Runs the program in this process, with --logdir log if none is given."""
    arguments = arguments.split()
    if "--logdir" not in arguments:
        arguments += ["--logdir", "log"]
    return program.main(arguments)


def run_command(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "eval.py", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def pixels(path):
    with Image.open(path) as opened:
        return opened.mode, np.asarray(opened)


def check_cutout():
    """Holds for any network: known pixels are kept, opaque ones are untouched."""
    mode, cutout = pixels("cutout.png")
    trimap = np.asarray(painted(0, 128, 255))
    assert mode == "RGBA"
    assert (cutout[trimap == 0][:, 3] == 0).all()
    opaque = cutout[..., 3] == 255
    assert opaque[trimap == 255].all()
    assert (cutout[opaque][:, :3] == np.asarray(picture())[opaque]).all()


# What it refuses


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_gets_one_line_and_code_2(
    arguments, message, folder, network, capsys
):
    before = contents(folder)
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("eval.py: ")
    assert err.count("\n") == 1
    assert message in err
    assert contents(folder) == before
    assert not network, "the network ran"


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_the_command_refuses_bad_input_without_a_traceback(name, folder):
    arguments, message = BAD_INPUT[name]
    before = contents(folder)
    done = run_command(*arguments.replace("new.png", "cutout.png").split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert contents(folder) == before


@pytest.mark.parametrize("place", ["new.png", "cutout.png --alpha folder/alpha.png"])
def test_a_folder_that_cannot_be_written_is_refused(
    place, folder, network, monkeypatch, capsys
):
    def refuse(dir):
        if "alpha" not in place or dir == Path("folder"):
            raise PermissionError(13, "Permission denied")
        return open("image.png")

    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    before = contents(folder)
    assert run(f"image.png trimap.png {place}") == 2
    assert (
        "is not writable (Permission denied); give another" in capsys.readouterr().err
    )
    assert contents(folder) == before


def test_a_write_protected_file_is_refused(folder, network, monkeypatch, capsys):
    monkeypatch.setattr(places.os, "access", lambda path, mode: False)
    assert run("image.png trimap.png cutout.png") == 2
    assert "cutout.png: write-protected; give another" in capsys.readouterr().err
    assert Path("cutout.png").read_bytes() == b"old"


def test_an_unreadable_input_is_named(folder, network, monkeypatch, capsys):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(images, "read_photograph", refuse)
    assert run("image.png trimap.png new.png") == 2
    assert capsys.readouterr().err == "eval.py: image.png: Permission denied\n"


def test_neither_file_is_replaced_when_one_cannot_be_written(
    folder, network, monkeypatch, capsys
):
    write_image = images.write_image

    def fail_on_alpha(path, image, *more):
        if image.ndim == 2:
            raise OSError(28, "No space left on device")
        write_image(path, image, *more)

    monkeypatch.setattr(images, "write_image", fail_on_alpha)
    before = contents(folder)
    assert run("image.png trimap.png cutout.png --alpha alpha.png") == 2
    message = "alpha.png: cannot be written (No space left on device)"
    assert message in capsys.readouterr().err
    assert contents(folder) == before


def test_ctrl_c_gets_one_line_and_code_130(folder, network, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "predict", interrupt)
    before = contents(folder)
    assert run("image.png trimap.png cutout.png") == 130
    err = capsys.readouterr().err
    assert err == "eval.py: interrupted, nothing was written\n"
    assert contents(folder) == before


def test_a_network_that_fails_gets_one_line_and_code_1(
    folder, network, monkeypatch, capsys
):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(predict, "predict", fail)
    assert run("image.png trimap.png new.png") == 1
    assert capsys.readouterr().err == "eval.py: out of memory; nothing was written\n"
    assert not Path("new.png").exists()


def test_wrong_options_get_code_2(capsys):
    for arguments, message in (
        ("image.png", "required: OUTPUT"),
        ("image.png new.png", "give INPUT TRIMAP OUTPUT; or INPUT OUTPUT and one of"),
        ("image.png trimap.png new.png --box 1,1,9,9", "TRIMAP is given; leave out"),
        ("image.png new.png --box 1,1,9", "got '1,1,9'; give four whole numbers"),
        ("image.png new.png --mask a.png --band 0.7", "got '0.7'; give a share"),
        ("- - new.png", "only one file can come from standard input"),
        ("image.png new.png --mask a.png --box 1,1,9,9", "not allowed with argument"),
    ):
        with pytest.raises(SystemExit) as stopped:
            program.main(arguments.split())
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


# What it writes


def test_the_cutout_has_the_size_and_straight_alpha(folder, network, capsys):
    assert run("image.png trimap.png cutout.png") == 0
    assert capsys.readouterr() == ("", "")
    mode, cutout = pixels("cutout.png")
    trimap = network["trimap"]
    assert mode == "RGBA"
    assert cutout.shape == (HEIGHT, WIDTH, 4)
    assert (cutout[..., 3] == trimap).all()
    assert (cutout[trimap == 128][:, :3] == [51, 102, 153]).all()
    opaque = trimap == 255
    assert (cutout[opaque][:, :3] == np.asarray(picture())[opaque]).all()


def test_what_rounds_to_opaque_keeps_the_photograph(folder, network, monkeypatch):
    def nearly_opaque(_, image, trimap, views):
        outputs = {"alpha": np.full(trimap.shape, 0.999, np.float32)}
        return predict.finish(image, outputs | {"foreground": np.zeros_like(image)})

    monkeypatch.setattr(predict, "predict", nearly_opaque)
    assert run("image.png trimap.png cutout.png") == 0
    _, cutout = pixels("cutout.png")
    assert (cutout[..., :3] == np.asarray(picture())).all()


def test_alpha_is_written_alone_as_8_bit_grey(folder, network):
    assert run("image.png trimap.png cutout.png --alpha folder/alpha.png") == 0
    mode, alpha = pixels("folder/alpha.png")
    assert mode == "L"
    assert (alpha == pixels("cutout.png")[1][..., 3]).all()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("ending", ["webp", "tif", "TIFF", "PNG"])
def test_every_format_with_transparency_keeps_all_values(ending, folder, network):
    assert run("image.png trimap.png cutout.png") == 0
    assert run(f"image.png trimap.png other.{ending}") == 0
    assert (pixels(f"other.{ending}")[1] == pixels("cutout.png")[1]).all()


def test_the_step_and_the_run_reach_the_network(folder, network):
    assert run("image.png trimap.png cutout.png --checkpoint 100") == 0
    assert (network["step"], network["logdir"]) == (100, Path("log"))
    assert run("image.png trimap.png cutout.png") == 0
    assert network["step"] == -1


def test_the_default_run_lies_beside_the_program():
    args = program.parse_args(["a.png", "b.png", "c.png"])
    assert args.logdir == LOGDIR


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("1", "png"),
        ("L", "png"),
        ("LA", "png"),
        ("P", "png"),
        ("RGBA", "png"),
        ("CMYK", "tif"),
        ("CMYK", "jpg"),
    ],
)
def test_any_colour_mode_is_read(mode, ending, folder, network):
    source = picture().convert(mode)
    source.save(f"other.{ending}")
    assert run(f"other.{ending} trimap.png cutout.png") == 0
    expected = np.asarray(source.convert("RGB")) / 255
    tolerance = 0.5 if ending == "jpg" else 1e-6  # noise is the worst for JPEG
    assert network["image"].shape == (HEIGHT, WIDTH, 3)
    assert np.abs(network["image"] - expected).mean() < tolerance


def test_16_bit_grey_keeps_its_levels(folder, network):
    levels = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    Image.fromarray(levels.astype(np.uint16)).save("deep.png")
    assert run("deep.png trimap.png cutout.png") == 0
    assert np.abs(network["image"][..., 0] - levels / 65535).max() < 1e-4


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "LA", "RGBA", "CMYK"])
def test_a_sloppy_trimap_of_any_mode_is_understood(mode, folder, network):
    painted(20, 100, 240).convert(mode).save("sloppy.tif")
    assert run("image.png sloppy.tif cutout.png") == 0
    assert (network["trimap"] == np.asarray(painted(0, 128, 255))).all()


def test_a_turned_pair_gives_an_upright_cutout(folder, network):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    for name, upright in (("image", picture()), ("trimap", painted(0, 128, 255))):
        turned = upright.transpose(Image.Transpose.ROTATE_90)
        turned.save(f"turned-{name}.png", exif=exif)
    assert run("image.png trimap.png cutout.png") == 0
    assert run("turned-image.png turned-trimap.png turned.png") == 0
    assert (pixels("turned.png")[1] == pixels("cutout.png")[1]).all()
    with Image.open("turned.png") as opened:
        assert 0x0112 not in opened.getexif()


def test_a_turned_image_also_fits_an_upright_trimap(folder, network):
    exif = Image.Exif()
    exif[0x0112] = 8
    picture().transpose(Image.Transpose.ROTATE_270).save("turned.png", exif=exif)
    assert run("turned.png trimap.png cutout.png") == 0
    assert pixels("cutout.png")[1].shape == (HEIGHT, WIDTH, 4)


def test_alpha_has_16_bits_where_they_are_asked_for(folder, network, monkeypatch):
    def ramp(_, image, trimap, views):
        alpha = np.linspace(0, 1, trimap.size, dtype=np.float32).reshape(trimap.shape)
        return predict.Matte(alpha, image)

    monkeypatch.setattr(predict, "predict", ramp)
    for ending in ("png", "tif"):
        command = f"image.png trimap.png cutout.png --alpha deep.{ending} --bits 16"
        assert run(command) == 0
        mode, deep = pixels(f"deep.{ending}")
        assert mode.startswith("I;16")
        assert (
            np.abs(
                deep / 65535 - np.linspace(0, 1, deep.size).reshape(deep.shape)
            ).max()
            < 1e-5
        )


def test_the_foreground_is_written_alone(folder, network):
    assert run("image.png trimap.png cutout.png --foreground colours.png") == 0
    mode, colours = pixels("colours.png")
    assert mode == "RGB"
    assert (colours == pixels("cutout.png")[1][..., :3]).all()


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_composite_on_a_colour_is_opaque_and_adds_up_light(ending, folder, network):
    assert run(f"image.png trimap.png new.{ending} --composite #ff0000") == 0
    mode, whole = pixels(f"new.{ending}")
    assert mode == "RGB"
    trimap = network["trimap"]
    middle = np.float64([51, 102, 153]) / 255
    share = 128 / 255
    light = share * middle**2.2 + (1 - share) * np.float64([1, 0, 0])
    tolerance = 1 if ending == "png" else 40
    assert np.abs(whole[trimap == 0] - [255, 0, 0]).mean() < tolerance
    expected = 255 * light ** (1 / 2.2)
    assert np.abs(whole[trimap == 128] - expected).mean() < tolerance


def test_a_composite_on_a_picture_covers_the_frame(folder, network):
    half = np.zeros((40, 200, 3), np.uint8)
    half[:, 100:] = 255
    Image.fromarray(half).save("behind.png")
    assert run("image.png trimap.png new.png --composite behind.png") == 0
    whole = pixels("new.png")[1]
    assert (whole[:, : WIDTH // 3 - 1] == 0).all()  # the left half, where alpha is 0


@pytest.mark.parametrize("background", ["blur", "checkerboard"])
def test_a_composite_on_what_needs_no_file(background, folder, network):
    assert run(f"image.png trimap.png new.png --composite {background}") == 0
    whole = pixels("new.png")[1]
    is_background = network["trimap"] == 0
    assert len(np.unique(whole[is_background].reshape(-1, 3), axis=0)) > 1
    original = np.asarray(picture())
    assert (whole[network["trimap"] == 255] == original[network["trimap"] == 255]).all()
    assert np.std(whole[is_background]) < np.std(original[is_background])


def test_profile_and_resolution_of_the_input_are_kept(folder, network):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture().save("tagged.png", icc_profile=profile, dpi=(300, 300))
    for name in ("cutout.png", "cutout.tif", "cutout.webp"):
        assert run(f"tagged.png trimap.png {name}") == 0
        with Image.open(name) as opened:
            assert opened.info["icc_profile"] == profile
            if not name.endswith("webp"):
                assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize(
    ("photograph", "background", "expected"),
    [
        ("plain.png", "#20a060", (32, 160, 96)),
        ("tagged.png", "#20a060", (160, 32, 96)),
        ("tagged.png", "plain-wall.png", (160, 32, 96)),
        ("tagged.png", "tagged-wall.png", (32, 160, 96)),
        ("plain.png", "tagged-wall.png", (160, 32, 96)),
        ("damaged.png", "#20a060", (32, 160, 96)),
    ],
)
def test_a_background_looks_the_same_under_the_profile_of_the_photograph(
    photograph, background, expected, folder, network
):
    profile = exchanged_profile()
    picture().save("plain.png")
    picture().save("tagged.png", icc_profile=profile)
    picture().save("damaged.png", icc_profile=b"no profile")
    wall = Image.new("RGB", (8, 6), (32, 160, 96))
    wall.save("plain-wall.png")
    wall.save("tagged-wall.png", icc_profile=profile)
    assert run(f"{photograph} trimap.png new.png --composite {background}") == 0
    behind = pixels("new.png")[1][network["trimap"] == 0]
    assert np.abs(behind.astype(int) - expected).max() <= 1


def test_a_background_covers_the_frame_with_its_middle():
    wall = np.zeros((10, 40, 3), np.float32)
    wall[:, 15:25] = 1
    for shape in ((5, 5), (10, 10), (30, 30)):
        assert outputs.cover(wall, shape).shape == (*shape, 3)
        assert outputs.cover(wall, shape).min() > 0.99
    assert outputs.cover(wall, (3, 30)).shape == (3, 30, 3)


def test_too_little_memory_for_a_background_gets_one_line(
    folder, network, monkeypatch, capsys
):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(images, "from_levels", fail)
    assert run("image.png trimap.png new.png --composite image.png") == 1
    assert capsys.readouterr().err == "eval.py: out of memory; nothing was written\n"
    assert not Path("new.png").exists()


def test_stdin_and_stdout(folder):
    done = subprocess.run(
        [sys.executable, ROOT / "eval.py", "-", "trimap.png", "-"],
        input=Path("image.png").read_bytes(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(io.BytesIO(done.stdout)) as opened:
        assert (opened.format, opened.mode, opened.size) == ("PNG", "RGBA", (32, 24))


def test_a_picture_for_stdout_is_whole_where_stderr_is_closed(folder):
    line = f"{sys.executable} {ROOT}/eval.py -v image.png trimap.png - 2>&-"
    done = subprocess.run(line, shell=True, capture_output=True, timeout=300)
    assert done.returncode == 0
    assert done.stdout.endswith(b"IEND\xaeB`\x82")
    line = f"{sys.executable} {ROOT}/eval.py pictures maps out 2>&-"
    assert subprocess.run(line, shell=True, timeout=300).returncode == 0
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]


def test_fast_is_a_snapshot_of_its_own(folder, network, capsys):
    line = "image.png trimap.png cutout.png --fast".split()
    assert program.main(line) == 0
    assert network["logdir"] == ROOT / "log" / "matting-fast"
    with pytest.raises(SystemExit) as caught:
        program.main([*line, "--overwrite", "--logdir", "log"])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert "--logdir: not allowed with argument --fast" in told


def test_fine_looks_at_the_picture_enlarged_too(folder, network):
    line = "image.png trimap.png cutout.png".split()
    assert program.main(line) == 0 and network["views"] == predict.ONCE
    assert program.main([*line, "--overwrite", "--fine"]) == 0
    assert network["views"] == predict.FINE_VIEWS


def test_a_trimap_from_a_mask_reaches_the_network(folder, network):
    assert run("image.png cutout.png --mask no-unknown.png") == 0
    trimap = network["trimap"]
    assert set(np.unique(trimap)) == {0, 128, 255}
    assert (trimap[:, 0] == 0).all() and (trimap[:, -1] == 255).all()
    assert (trimap[:, WIDTH // 2 - 1 : WIDTH // 2 + 1] == 128).all()
    assert run("image.png other.png --trimap auto --mask no-unknown.png") == 0


def test_a_translucent_thing_needs_no_foreground(folder, network, capsys):
    with pytest.raises(SystemExit):
        run("image.png cutout.png --box 2,2,9,9 --translucent")
    assert "--translucent: needs a TRIMAP, grey where" in capsys.readouterr().err
    assert Path("cutout.png").read_bytes() == b"old"
    assert run("image.png no-foreground.png cutout.png --translucent") == 0
    assert set(np.unique(network["trimap"])) == {0, 128}
    with Image.open("cutout.png") as cutout:
        assert cutout.getchannel("A").getextrema() == (0, 128)


# Folders


@pytest.fixture
def folders(folder):
    """Three pictures with trimaps, one of them damaged, one without; a nested one."""
    for place in ("in/inner", "maps/inner"):
        Path(place).mkdir(parents=True)
    for name in ("a.png", "b.jpg", "inner/c.png", "lost.png"):
        picture().save(f"in/{name}")
    for name in ("a", "b", "bad", "inner/c"):
        painted(0, 128, 255).save(f"maps/{name}.png")
    Path("in/bad.png").write_text("not a picture")
    Path("in/.thumbs").mkdir()
    picture().save("in/.thumbs/b.png")
    Path("in/notes.txt").write_text("not even called one")
    return folder


def test_a_folder_is_done_but_for_what_fails(folders, network, capsys):
    assert run("in maps out") == 1
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a.png",
        "b.png",
        "failures.jsonl",
    ]
    err = capsys.readouterr().err
    assert err == "eval.py: 2 done, 0 skipped, 2 failed: see out/failures.jsonl\n"
    lines = Path("out/failures.jsonl").read_text().splitlines()
    failures = [json.loads(line) for line in lines]
    assert [failure["image"] for failure in failures] == ["in/bad.png", "in/lost.png"]
    assert "not a complete picture" in failures[0]["error"]
    assert "one lost.* wanted in maps, got nothing" in failures[1]["error"]
    assert network["loads"] == 1


def test_what_exists_is_skipped_unless_it_is_to_be_overwritten(
    folders, network, capsys
):
    Path("in/bad.png").unlink()
    Path("in/lost.png").unlink()
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    Path("out/failures.jsonl").write_text("old")
    assert run("in maps out --recursive --alpha alphas") == 0
    # a.png is made again, since its alpha was missing
    assert "3 done, 0 skipped, 0 failed" in capsys.readouterr().err
    assert pixels("out/inner/c.png")[0] == "RGBA"
    assert pixels("alphas/inner/c.png")[0] == "L"
    assert not Path("out/failures.jsonl").exists()
    Path("out/a.png").write_bytes(b"old")
    assert run("in maps out") == 0
    assert "0 done, 2 skipped, 0 failed" in capsys.readouterr().err
    assert Path("out/a.png").read_bytes() == b"old"
    assert run("in maps out --overwrite -q") == 0
    assert capsys.readouterr().err == ""
    assert pixels("out/a.png")[0] == "RGBA"


def test_results_inside_the_pictures_are_no_pictures(folders, network, capsys):
    Path("in/out").mkdir()
    picture().save("in/out/b.png")
    assert run("in maps in/out --recursive --overwrite") == 1
    assert "3 done, 0 skipped, 2 failed" in capsys.readouterr().err
    assert sorted(path.name for path in Path("in/out").iterdir()) == [
        "a.png",
        "b.png",
        "failures.jsonl",
        "inner",
    ]


def test_a_result_never_replaces_another_picture_that_is_read(folder, network, capsys):
    Path("all/in/in").mkdir(parents=True)
    for name in ("in/a.png", "in/in/a.png"):
        picture().save(f"all/{name}")
        Path(f"maps/{name}").parent.mkdir(parents=True, exist_ok=True)
    for name in ("a.png", "in/a.png"):
        painted(0, 128, 255).save(f"maps/{name}")
    before = contents(folder)
    assert run("all/in maps all --recursive --overwrite") == 2
    err = capsys.readouterr().err
    assert "all/in/a.png: the result of all/in/in/a.png would overwrite an input" in err
    assert err.count("\n") == 1 and contents(folder) == before


def test_no_result_replaces_another_one(folder, network, capsys):
    Path("in/alpha").mkdir(parents=True)
    Path("maps/alpha").mkdir(parents=True)
    for name in ("x.png", "alpha/x.png"):
        picture().save(f"in/{name}")
        painted(0, 128, 255).save(f"maps/{name}")
    assert run("in maps out --alpha out/alpha --recursive") == 2
    err = capsys.readouterr().err
    assert "out/alpha/x.png: the result of in/" in err and err.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.parametrize("output", ["out.png", "out.JPG", "out.mp4"])
def test_a_folder_is_not_named_as_a_picture_or_a_film(folders, network, capsys, output):
    assert run(f"in maps {output}") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path(output).exists()


@pytest.mark.parametrize("line", ["image.png trimap.png cut.png", "in maps out"])
def test_a_background_without_a_name_is_refused(folders, network, line, capsys):
    Path("cutout.png").write_bytes(b"old")
    arguments = [*line.split(), "--logdir", "log", "--composite", ""]
    assert program.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("out").exists() and not Path("cut.png").exists()


def test_options_may_stand_between_the_files(folder, network):
    assert run("image.png trimap.png --alpha alpha.png cutout.png") == 0
    assert Path("alpha.png").exists()


def test_names_may_begin_like_options(folder, network):
    Path("image.png").rename("-image.png")
    assert run("--logdir log -- -image.png trimap.png --cutout.png") == 0
    assert pixels("--cutout.png")[0] == "RGBA"


def test_failures_of_other_folders_stay_listed(folders, network):
    other = {"image": "pictures/a.png", "error": "of another run"}
    gone = {"image": "pictures/gone.png", "error": "of another run"}
    Path("out").mkdir()
    text = json.dumps(other) + "\n" + json.dumps(gone) + "\n"
    Path("out/failures.jsonl").write_text(text)
    assert run("in maps out") == 1
    lines = Path("out/failures.jsonl").read_text().splitlines()
    names = [json.loads(line)["image"] for line in lines]
    assert names == ["in/bad.png", "in/lost.png", "pictures/a.png"]
    assert run("pictures maps out --overwrite") == 0
    lines = Path("out/failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["image"] for line in lines] == names[:2]


def test_a_folder_named_like_a_result_is_a_failure(folders, network, capsys):
    Path("out/a.png").mkdir(parents=True)
    assert run("in maps out") == 1
    assert "1 done, 0 skipped, 3 failed" in capsys.readouterr().err
    assert "a.png: a folder" in Path("out/failures.jsonl").read_text()


@pytest.mark.parametrize("error", ["memory", "opencv", "runtime"])
def test_a_picture_that_fails_does_not_stop_the_rest(
    error, folders, network, monkeypatch
):
    seen = []

    def fail_first(_, image, trimap, views):
        seen.append(1)
        if len(seen) == 1:
            if error == "memory":
                raise MemoryError
            if error == "runtime":
                raise RuntimeError("bad allocation")
            cv2.resize(image, (0, 0))
        return predict.Matte(trimap.astype(np.float32) / 255, image)

    monkeypatch.setattr(predict, "predict", fail_first)
    assert run("in maps out") == 1
    assert [path.name for path in sorted(Path("out").iterdir())] == [
        "b.png",
        "failures.jsonl",
    ]
    assert len(Path("out/failures.jsonl").read_text().splitlines()) == 3


def test_a_damaged_snapshot_ends_a_folder_before_it_begins(
    folders, network, monkeypatch, capsys
):
    def refuse(*_):
        raise ValueError("log: damaged")

    monkeypatch.setattr(network_module, "load_network", refuse)
    assert run("in maps out") == 2
    assert capsys.readouterr().err == "eval.py: log: damaged\n"
    assert not list(Path("out").iterdir())


def test_two_pictures_of_one_name_are_no_pair(folders, network):
    picture().save("in/a.webp")
    assert run("in maps out") == 1
    text = Path("out/failures.jsonl").read_text()
    assert "in/a.png: the name of a.webp too; rename all but one" in text


def test_a_folder_in_another_format(folders, network):
    assert run("in maps out --format jpg --composite white") == 1
    assert pixels("out/a.jpg")[0] == "RGB"
    assert run("in maps out2 --format jpg") == 2
    assert not Path("out2").exists()


def test_a_folder_of_masks(folders, network):
    for name in ("a", "b"):
        painted(0, 255).save(f"maps/{name}.png")
    assert run("in out --mask maps") == 1
    assert (pixels("out/a.png")[1][:, 0, 3] == 0).all()


def test_ctrl_c_in_a_folder_keeps_what_is_done(folders, network, monkeypatch, capsys):
    seen = []

    def interrupt_second(_, image, trimap, views):
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return predict.Matte(trimap.astype(np.float32) / 255, image)

    monkeypatch.setattr(predict, "predict", interrupt_second)
    Path("out").mkdir()
    rows = [{"image": f"in/{name}", "error": "old"} for name in ("a.png", "b.jpg")]
    earlier = "".join(json.dumps(row) + "\n" for row in rows)
    Path("out/failures.jsonl").write_text(earlier)
    assert run("in maps out") == 130
    assert "interrupted, what is done is kept" in capsys.readouterr().err
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a.png",
        "failures.jsonl",
    ]
    lines = Path("out/failures.jsonl").read_text().splitlines()
    names = [Path(json.loads(line)["image"]).name for line in lines]
    assert names == ["b.jpg", "lost.png"]  # a.png has been done by now


# The command


def test_help_and_version_answer(capsys):
    answers = {"--help": "usage: eval.py", "--version": "eval.py "}
    for option, answer in (
        answers | {"--doctor": f"eval.py {model.__version__}"}
    ).items():
        with pytest.raises(SystemExit) as stopped:
            program.main([option])
        assert stopped.value.code == 0
        assert capsys.readouterr().out.startswith(answer)
    assert model.__version__.count(".") == 2


def test_the_doctor_names_each_run_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "LOG", tmp_path)
    (tmp_path / "matting").mkdir()
    for step in (1, 2):
        (tmp_path / f"matting/generator-{step}.weights.h5").write_bytes(b"%d" % step)
    with pytest.raises(SystemExit):
        program.main(["--doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:23] for line in lines if line.startswith("log/")] == [
        "log/matting: snapshot 2"
    ]


def test_a_saved_generator_cuts_out(folder, capfd):
    from model.generator import build_generator

    config = {"preset": "matting", "widths": [4] * 5, "use_prior": False}
    Path("log/config.json").write_text(json.dumps(config))
    generator = build_generator(**config)
    generator.save_weights("log/generator-3.weights.h5")
    capfd.readouterr()
    assert run("image.png trimap.png cutout.png --checkpoint 3") == 0
    assert capfd.readouterr() == ("", "")
    check_cutout()


@pytest.mark.skipif(
    not checkpoint.snapshots(LOGDIR),
    reason="log/matting holds no snapshot",
)
def test_the_shipped_network_cuts_out_from_any_directory(folder):
    done = run_command("image.png", "trimap.png", "cutout.png", "--alpha", "alpha.png")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    check_cutout()
    assert pixels("alpha.png")[0] == "L"
