"""eval.py where something is wrong around it: nothing that existed is lost.

Full disks, folders that cannot be written, outputs that are inputs by another name, odd
names, and pictures that claim to be huge.
"""

import contextlib
import importlib
import json
import os
import resource
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import checkpoint, predict
from model import network as network_module
from tests import huge

ROOT = Path(__file__).resolve().parents[1]
HEIGHT, WIDTH = 24, 32
NOBODY = 65534
program = importlib.import_module("eval")


def noise(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def write_pair(image, trimap):
    Image.new("RGB", (WIDTH, HEIGHT), (90, 60, 30)).save(image)
    bands = np.repeat(np.uint8([0, 128, 255]), 11)[:WIDTH]
    Image.fromarray(np.tile(bands, (HEIGHT, 1))).save(trimap)


@pytest.fixture
def matte():
    """What the stand-in network answers; a test may change it."""
    return {"alpha": noise(HEIGHT, WIDTH), "foreground": noise(HEIGHT, WIDTH, 3)}


@pytest.fixture
def folder(tmp_path, monkeypatch, matte):
    """The working directory: pictures, older results, and a stand-in network."""
    monkeypatch.chdir(tmp_path)
    write_pair("image.png", "trimap.png")
    for name in ("in", "maps", "out", "log"):
        Path(name).mkdir()
    write_pair("in/a.png", "maps/a.png")
    for name in ("old.png", "alpha.png", "colours.png", "out/failures.jsonl"):
        Path(name).write_bytes(b"older")
    Path("old.jpg").write_bytes(b"older")
    Image.new("L", (WIDTH, HEIGHT)).save("behind.png")
    monkeypatch.setattr(network_module, "load_network", lambda *_: "network")
    monkeypatch.setattr(checkpoint, "snapshots", lambda _: [1])
    monkeypatch.setattr(
        predict,
        "predict",
        lambda *_: predict.Matte(matte["alpha"], matte["foreground"]),
    )
    return tmp_path


def contents():
    paths = sorted(Path().rglob("*"))
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def refuse(capsys, *arguments, code=2):
    """Runs the program, which has to end in one line and leave all as it was."""
    before = contents()
    assert program.main([*arguments, "--logdir", "log"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("eval.py: ") and err.count("\n") == 1, err
    assert contents() == before
    return err


# A full disk: the kernel refuses to let any file grow beyond a few bytes


@contextlib.contextmanager
def full_disk(size):
    """No file of this process can be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FULL = {  # options, the file that does not fit, and what the network answers flatly
    "cut-out": ("old.png", "old.png", ()),
    "new cut-out": ("new.webp", "new.webp", ()),
    "tiff": ("new.tif", "new.tif", ()),
    "composite": ("old.jpg --composite red", "old.jpg", ()),
    "composite on a picture": ("old.png --composite behind.png", "old.png", ()),
    "alpha": (
        "old.webp --alpha alpha.png --bits 16",
        "alpha.png",
        ("foreground",),
    ),
    "colours": (
        "old.png --composite white --alpha alpha.png --foreground colours.png",
        "colours.png",
        ("alpha",),
    ),
}


@pytest.mark.parametrize(("options", "named", "flat"), FULL.values(), ids=FULL)
def test_a_full_disk_leaves_all_as_it_was(options, named, flat, folder, matte, capsys):
    for name in flat:
        matte[name] = np.zeros_like(matte[name])
    with full_disk(1200 if flat else 200):
        err = refuse(capsys, "image.png", "trimap.png", *options.split())
    assert err == f"eval.py: {named}: cannot be written (File too large)\n"


def test_a_full_disk_is_a_failure_of_each_picture_of_a_folder(folder, capsys):
    with full_disk(300):  # enough for the list of failures
        assert program.main(["in", "maps", "out", "--logdir", "log"]) == 1
    assert "0 done, 0 skipped, 1 failed" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["failures.jsonl"]
    row = json.loads(Path("out/failures.jsonl").read_text())
    assert row["error"] == "out/a.png: cannot be written (File too large)"


def test_a_list_of_failures_that_does_not_fit_leaves_the_older(folder, capsys):
    Path("in/a.png").write_text("not a picture")
    with full_disk(20):
        err = refuse(capsys, "in", "maps", "out")
    assert err == "eval.py: out/failures.jsonl: cannot be written (File too large)\n"


def run_command(*arguments, **options):
    """Runs eval.py with a network that knows the answer, as a process of its own."""
    code = f"""\
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import numpy, runpy
        from model import checkpoint, network, predict
        network.load_network = lambda *_: "network"
        checkpoint.snapshots = lambda _: [1]
        predict.predict = lambda _, image, trimap, views: predict.Matte(
            numpy.float32(trimap / 255), image)
        sys.argv[0] = "eval.py"
        runpy.run_path({str(ROOT / "eval.py")!r}, run_name="__main__")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(
        [*command, "--logdir", "log"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_standard_output_gets_one_line(folder):
    before = contents()
    with open("/dev/full", "wb") as full:
        done = run_command(
            *("image.png", "trimap.png", "-", "--alpha", "alpha.png"), stdout=full
        )
    told = "eval.py: -: cannot be written (No space left on device)\n"
    assert (done.returncode, done.stderr) == (2, told)
    assert contents() == before


# Files and folders that cannot be written or read


@pytest.fixture
def as_nobody(folder):
    """Gives a function that takes all rights away; only root has some to lose."""
    folder.chmod(0o755)
    is_root = os.geteuid() == 0

    def drop():
        if is_root:
            os.setresuid(NOBODY, NOBODY, 0)

    yield drop
    if is_root:
        os.setresuid(0, 0, 0)
    for place in (".", "out", "in"):
        Path(place).chmod(0o755)


READ_ONLY = {
    "a folder": (
        "image.png trimap.png new.png",
        "new.png: folder . is not writable (Permission denied); give another",
    ),
    "a folder of alphas": (
        "image.png trimap.png - --alpha out/alpha.png",
        "out/alpha.png: folder out is not writable (Permission denied); give another",
    ),
    "a folder of results": (
        "in maps out",
        "out/failures.jsonl: folder out is not writable (Permission denied)",
    ),
    "a new folder of results": ("in maps new", "new: Permission denied"),
    "an image": ("secret.png trimap.png new.png", "secret.png: Permission denied"),
    "a trimap": ("image.png secret.png new.png", "secret.png: Permission denied"),
}


@pytest.mark.parametrize(("arguments", "message"), READ_ONLY.values(), ids=READ_ONLY)
def test_what_cannot_be_written_or_read_is_named(
    arguments, message, folder, as_nobody, capsys
):
    Path("secret.png").write_bytes(Path("image.png").read_bytes())
    Path("out/failures.jsonl").unlink()
    Path("out").chmod(0o555)
    if "secret.png" in arguments:
        folder.chmod(0o777)  # the output may be written
    else:
        folder.chmod(0o555)
    before = contents()
    Path("secret.png").chmod(0)
    as_nobody()
    assert program.main([*arguments.split(), "--logdir", "log"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("eval.py: ") and err.count("\n") == 1
    assert message in err
    if os.getresuid()[2] == 0:
        os.setresuid(0, 0, 0)
    Path("secret.png").chmod(0o644)
    assert contents() == before


def test_a_write_protected_result_is_refused(folder, as_nobody, capsys):
    Path("old.png").chmod(0o444)
    folder.chmod(0o777)
    as_nobody()
    err = refuse(capsys, "image.png", "trimap.png", "old.png")
    assert err == "eval.py: old.png: write-protected; give another name\n"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("image.png/new.png", "image.png/new.png: no folder image.png; make it first"),
        ("x" * 300 + ".png", "x.png: File name too long"),
    ],
)
def test_an_impossible_place_is_refused(output, message, folder, capsys):
    assert message in refuse(capsys, "image.png", "trimap.png", output)


def test_a_folder_of_results_below_a_file_is_refused(folder, capsys):
    assert "image.png/out: Not a directory" in refuse(
        capsys, "in", "maps", "image.png/out"
    )


# An output that is an input


SPELLINGS = {
    "its name": lambda path: path,
    "a dot": lambda path: f"./{path}",
    "up and down": lambda path: f"out/../{path}",
    "the whole path": os.path.abspath,
    "a symbolic link": lambda path: link(os.symlink, os.path.abspath(path), "link.png"),
    "a link to a link": lambda path: link(
        os.symlink, link(os.symlink, path, "link.png"), "linked.png"
    ),
    "a hard link": lambda path: link(os.link, path, "link.png"),
    "a linked folder": lambda path: (
        link(os.symlink, os.getcwd(), "linked") + f"/{path}"
    ),
}
ROLES = {
    "image.png": "{image} trimap.png {output}",
    "trimap.png": "image.png {image} {output}",
    "mask.png": "image.png {output} --mask {image}",
    "strokes.png": "image.png {output} --scribbles {image}",
    "behind.png": "image.png trimap.png {output} --composite {image}",
    "alpha over the image": "image.png trimap.png new.png --alpha {output}",
    "colours over the trimap": "image.png trimap.png new.png --foreground {output}",
}


def link(way, path, name):
    way(path, name)
    return name


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("role", ROLES)
def test_no_input_is_overwritten_by_whatever_name(role, spelling, folder, capsys):
    for name in ("mask.png", "strokes.png"):
        Path(name).write_bytes(Path("trimap.png").read_bytes())
    last = role.split()[-1]
    source = last if last.endswith(".png") else f"{last}.png"
    output = spelling(source)
    arguments = ROLES[role].format(image=source, output=output).split()
    err = refuse(capsys, *arguments)
    assert f"{Path(output)}: would overwrite the input; give another name" in err


def test_results_over_a_linked_folder_of_pictures_are_refused(folder, capsys):
    Path("linked").symlink_to("in")
    err = refuse(capsys, "in", "maps", "linked", "--overwrite")
    assert "linked: given twice; results need a folder by itself" in err


@pytest.mark.parametrize("way", [os.symlink, os.link])
def test_a_result_that_is_a_link_to_another_picture_takes_only_its_place(way, folder):
    write_pair("in/b.png", "maps/b.png")
    before = Path("in/b.png").read_bytes()
    way(os.path.abspath("in/b.png"), "out/a.png")
    command = ["in", "maps", "out", "--overwrite", "-q", "--logdir", "log"]
    assert program.main(command) == 0
    assert Path("in/b.png").read_bytes() == before
    with Image.open("out/a.png") as made:
        assert made.mode == "RGBA" and not Path("out/a.png").is_symlink()


# Odd names


NAMES = {
    "spaces": "  ein Bild  von mir ",
    "other letters": "Überschrift-漢字-العربية-🎈",
    "a line break": "zwei\nZeilen",
    "no letters at all": os.fsdecode(b"\xff\xfe"),
    "the longest": "x" * 251,
    "quotes": "'\"$(x) & %s {0}",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_will_do(name, folder, capfd):
    place = Path(name[:60])
    place.mkdir()
    image, trimap, output, alpha = (
        place / f"{name[:-1] if len(name) > 200 else name}{part}.png"
        for part in ("a", "b", "c", "d")
    )
    write_pair(image, trimap)
    arguments = [image, trimap, output, "--alpha", alpha, "--logdir", "log"]
    assert program.main([str(argument) for argument in arguments]) == 0
    assert capfd.readouterr() == ("", "")
    with Image.open(output) as made:
        assert (made.mode, made.size) == ("RGBA", (WIDTH, HEIGHT))
    assert len(list(place.iterdir())) == 4
    trimap.write_text("damaged")
    err = refuse(capfd, *(str(path) for path in arguments[:3]))
    assert "not a complete picture" in err


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_will_do_in_a_folder(name, folder, capfd):
    for place, made in (("in", "a.png"), ("maps", "a.png")):
        Path(place, made).rename(Path(place, f"{name}.png"))
    Path("in/bad.png").write_text("damaged")
    assert program.main(["in", "maps", "out", "--logdir", "log"]) == 1
    assert Path("out", f"{name}.png").is_file()
    assert capfd.readouterr().err.count("\n") == 1


# Pictures that claim to be huge


PLACES = {
    "image": "{} trimap.png old.png",
    "trimap": "image.png {} old.png",
    "mask": "image.png old.png --mask {}",
    "background": "image.png trimap.png old.png --composite {}",
}


@pytest.mark.parametrize("ending", huge.BOMBS)
@pytest.mark.parametrize("place", PLACES)
def test_a_decompression_bomb_is_refused(place, ending, folder, capsys):
    bomb = Path(f"bomb.{ending}")
    options = {"lossless": True} if ending == "webp" else {}
    Image.open("image.png").save(bomb, **options)
    huge.BOMBS[ending](bomb)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    err = refuse(capsys, *PLACES[place].format(bomb).split())
    assert err == f"eval.py: {bomb}: too many pixels; resize it first\n"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    assert grown < 200_000, "KiB more memory"


def test_a_text_that_unpacks_to_much_is_refused(folder, capsys):
    packed = zlib.compress(bytes(20_000_000), 9)
    chunk = b"zTXt" + b"Comment\0\0" + packed
    chunk = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    data = Path("image.png").read_bytes()
    Path("bomb.png").write_bytes(data[:33] + chunk + data[33:])
    assert "bomb.png: not a complete picture" in refuse(
        capsys, "bomb.png", "trimap.png", "old.png"
    )
