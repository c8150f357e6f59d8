import csv
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import images, layers, lock
from scripts import download
from scripts.collect import openverse

SCRIPT = Path(download.__file__).resolve()
CONTACT = ("--contact", "me@example.org")
QUICK = ("--delay", "0", "--attempts", "1", "--min-side", "64", "--quiet")


def draw_cutout(seed, side=96):
    """A soft disc of many colours, as PNG."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((side, side)) - side / 2 + 0.5
    alpha = np.clip((0.45 * side - np.hypot(rows, columns)) / 5 + 0.5, 0, 1)
    small = random.integers(0, 256, (6, 6, 3), np.uint8)
    colours = Image.fromarray(small).resize((side, side))
    return encode(np.dstack([colours, np.round(alpha * 255).astype(np.uint8)]))


def draw_photograph(seed):
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return encode(np.asarray(Image.fromarray(small).resize((120, 90))), "JPEG")


def encode(array, file_format="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, file_format)
    return buffer.getvalue()


def play_openverse(site, files, page_size=20):
    """Has the site offer files, (name, answer) each, to any search for cut-outs."""

    def answer(query):
        listed = [] if "jpg" in query["extension"] else list(files)
        first = (int(query["page"]) - 1) * page_size
        return {
            "result_count": len(listed),
            "page_count": -(-len(listed) // page_size),
            "page_size": page_size,
            "page": int(query["page"]),
            "results": [
                {
                    "id": name,
                    "title": name,
                    "url": f"{site.address}/pictures/{name}",
                    "foreign_landing_url": f"https://photos.example/{name}",
                    "creator": "Jo Example",
                    "license": "by",
                    "license_version": "4.0",
                    "license_url": "https://creativecommons.org/licenses/by/4.0/",
                }
                for name in listed[first : first + page_size]
            ],
        }

    site.answers["/v1/images/"] = answer
    for name, file in files.items():
        site.answers[f"/pictures/{name}"] = file
    return ("--openverse-api", f"{site.address}/v1/images/", *CONTACT, *QUICK)


def read_rows(output):
    with open(output / "manifest.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcomes(output):
    return {row["title"] or row["url"]: row["status"] for row in read_rows(output)}


def everything(output):
    """All files of a collection but the times of fetching, and no temporary ones."""
    found = {}
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        found[path.relative_to(output).as_posix()] = path.read_bytes()
    rows = [{**row, "fetched": ""} for row in read_rows(output)]
    return {**found, "manifest.csv": rows}


def run(output, *arguments):
    return download.main([*map(str, arguments), "--output", str(output)])


def command(output, *arguments):
    return [sys.executable, str(SCRIPT), *map(str, arguments), "--output", str(output)]


def test_a_search_becomes_pictures_with_their_origin(site, tmp_path, capsys):
    files = {f"cat{number}.png": draw_cutout(number) for number in range(3)}
    options = play_openverse(site, files)
    assert run(tmp_path, *options, "--limit", 3, "--backgrounds") == 0
    assert capsys.readouterr().out == ""
    rows = read_rows(tmp_path)
    assert [row["title"] for row in rows] == sorted(files)
    for row in rows:
        data = (tmp_path / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert hashlib.sha256(files[row["title"]]).hexdigest() == row["source_sha256"]
        picture = Image.open(io.BytesIO(data))
        assert (str(picture.width), str(picture.height)) == (
            row["width"],
            row["height"],
        )
        assert int(row["bytes"]) == len(data)
        told = [row[name] for name in ("creator", "licence", "page", "query", "status")]
        page = f"https://photos.example/{row['title']}"
        query = "portrait transparent background"
        assert told == ["Jo Example", "CC-BY-4.0", page, query, "ok"]
        assert row["fetched"].startswith("20")
        images.read_cutout(tmp_path / row["path"])
    assert "“cat0.png” by Jo Example. CC-BY-4.0" in (
        tmp_path / "ATTRIBUTION.md"
    ).read_text("utf-8")
    assert (tmp_path / "sheets/foregrounds-01.jpg").is_file()
    assert {agent for agent in site.agents} == {
        f"matting-download/{download.model.__version__} (me@example.org) "
        f"requests/{download.requests.__version__}"
    }


def test_each_failure_gets_a_row_with_its_reason(site, tmp_path, capsys):
    good = draw_cutout(0)
    board = np.kron(np.indices((16, 16)).sum(0) % 2, np.ones((8, 8)))
    board = np.uint8(255 - 51 * board)[..., None].repeat(3, 2)
    files = {
        "good.png": good,
        "twin.png": good,
        "near.png": draw_cutout(0, 128),
        "page.png": b"<html>Not found</html>",
        "cut.png": draw_cutout(1)[:900],
        "opaque.png": draw_photograph(1),
        "board.png": encode(board),
        "small.png": draw_cutout(2, 40),
        "huge.png": b"x" * 2000,
        "broken-off.png": (200, {"Content-Length": "900"}, b"x"),
        "gone.png": 404,
        "busy.png": 503,
        "withheld.png": (200, {"X-Robots-Tag": "noai"}, draw_cutout(3)),
        "moved.png": (302, {"Location": "/pictures/private/a.png"}, b""),
        "late.png": draw_cutout(4),
    }
    options = play_openverse(site, files)
    site.answers["/robots.txt"] = b"User-agent: *\nDisallow: /pictures/private/\n"
    assert run(tmp_path, *options, "--limit", 15, "--backgrounds") == 1
    found = outcomes(tmp_path)
    first = next(
        row["path"] for row in read_rows(tmp_path) if row["title"] == "good.png"
    )
    reasons = {
        "good.png": "ok",
        "twin.png": f"duplicate: the same bytes as {first}",
        "page.png": "not a picture",
        "opaque.png": "no alpha",
        "board.png": "fake checkerboard instead of transparency",
        "huge.png": "not a picture",
        "gone.png": "not fetched: HTTP 404",
        "busy.png": "try again: HTTP 503",
        "withheld.png": "not fetched: forbidden by X-Robots-Tag noai",
        "moved.png": "not fetched: forbidden by robots.txt",
        "late.png": "ok",
    }
    assert {name: found[name] for name in reasons} == reasons
    assert found["near.png"].startswith("near duplicate: ")
    assert found["cut.png"].startswith("not a complete picture: ")
    assert found["small.png"].startswith("too small: ")
    assert found["broken-off.png"].startswith("try again: 127.0.0.1")
    assert len(layers.list_layers(tmp_path / "foregrounds")) == 2


def test_the_next_run_asks_again_only_for_what_may_have_come_back(site, tmp_path):
    files = {
        "good.png": draw_cutout(0),
        "busy.png": [503, draw_cutout(1)],
        "gone.png": 404,
        "opaque.png": draw_photograph(1),
    }
    options = play_openverse(site, files)
    assert run(tmp_path, *options, "--limit", 2, "--backgrounds") == 1
    asked = site.pictures_asked()
    assert run(tmp_path, *options, "--limit", 2, "--backgrounds") == 0
    assert site.pictures_asked()[len(asked) :] == ["/pictures/busy.png"]
    asked = list(site.asked)
    assert run(tmp_path, *options, "--limit", 2, "--backgrounds") == 0
    assert site.asked == asked, "all is there: nobody is asked anything"


def test_no_more_is_fetched_than_was_asked_for(site, tmp_path):
    files = {f"cat{number:02}.png": draw_cutout(number) for number in range(30)}
    options = play_openverse(site, files)
    assert run(tmp_path, *options, "--limit", 4, "--backgrounds") == 0
    assert len(site.pictures_asked()) == 4
    assert sum("/v1/images/" in path for path in site.asked) == 1
    assert run(tmp_path, *options, "--limit", 6, "--backgrounds") == 0
    assert len(site.pictures_asked()) == 6


def test_other_queries_bring_other_pictures(site, tmp_path):
    files = {f"cat{number}.png": draw_cutout(number) for number in range(4)}
    options = play_openverse(site, files)
    assert run(tmp_path, *options, "--limit", 2, "--backgrounds") == 0
    more = (*options, "--limit", 2, "--backgrounds", "--foregrounds", "dog", "cat")
    assert run(tmp_path, *more) == 0
    assert sorted(row["query"] for row in read_rows(tmp_path)) == [
        *("dog", "dog"),
        *("portrait transparent background",) * 2,
    ]


def test_rejected_pictures_are_replaced_by_others(site, tmp_path, capsys):
    files = {f"cat{number}.png": draw_cutout(number) for number in range(5)}
    options = (*play_openverse(site, files), "--limit", "3", "--backgrounds")
    assert run(tmp_path, *options) == 0
    capsys.readouterr()
    assert run(tmp_path, "--reject", "1,3") == 0
    rejected = capsys.readouterr().out.split()
    assert len(rejected) == 2
    assert sorted(outcomes(tmp_path).values()) == ["ok", *["rejected by hand"] * 2]
    assert run(tmp_path, *options) == 0
    assert len(site.pictures_asked()) == 5
    usable = layers.list_layers(tmp_path / "foregrounds")
    assert len(usable) == 3
    assert not {f"foregrounds/{path.name}" for path in usable} & set(rejected)


def test_a_killed_run_goes_on_to_the_same_end(site, tmp_path):
    files = {f"cat{number:02}.png": draw_cutout(number) for number in range(12)}
    files["cat03.png"] = draw_photograph(3)
    files["cat07.png"] = 404
    options = (*play_openverse(site, files), "--limit", "10", "--backgrounds")
    assert run(tmp_path / "undisturbed", *options) == 0
    site.asked.clear()
    site.delay = 0.05
    for target, pause in ((2, 0.051), (5, 0.06), (9, 0.07)):
        worker = subprocess.Popen(command(tmp_path / "killed", *options))
        deadline = time.monotonic() + 30
        while len(set(site.pictures_asked())) < target:
            assert worker.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(pause)
        worker.kill()
        assert worker.wait() == -signal.SIGKILL
    site.delay = 0
    assert run(tmp_path / "killed", *options) == 0
    assert everything(tmp_path / "killed") == everything(tmp_path / "undisturbed")
    asked = site.pictures_asked()
    assert set(asked) == {f"/pictures/{name}" for name in files}
    assert len(asked) <= len(files) + 3, "only what was on its way comes twice"


def test_ctrl_c_ends_with_130_and_a_whole_manifest(site, tmp_path):
    files = {f"cat{number}.png": draw_cutout(number) for number in range(9)}
    options = (*play_openverse(site, files), "--limit", "9", "--backgrounds")
    site.delay = 0.05
    worker = subprocess.Popen(
        command(tmp_path, *options), stderr=subprocess.PIPE, text=True
    )
    while len(site.pictures_asked()) < 3:
        assert worker.poll() is None
        time.sleep(0.01)
    worker.send_signal(signal.SIGINT)
    _, errors = worker.communicate(timeout=20)
    assert worker.returncode == 130
    assert errors.splitlines()[-1] == (
        "download.py: interrupted; run the same command again to go on"
    )
    rows = read_rows(tmp_path)
    assert rows and {row["status"] for row in rows} == {"ok"}
    assert not (tmp_path / "manifest.journal").exists()


def test_without_a_network_one_line_says_so_and_nothing_is_lost(site, tmp_path, capsys):
    files = {"cat.png": draw_cutout(0)}
    options = (*play_openverse(site, files), "--limit", "1", "--backgrounds")
    assert run(tmp_path, *options) == 0
    before = everything(tmp_path)
    capsys.readouterr()
    away = ("--openverse-api", "http://away.invalid/v1/images/", *CONTACT, *QUICK)
    assert run(tmp_path, *away, "--limit", "2") == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        "download.py: openverse: away.invalid cannot be reached; run again later"
    ]
    assert everything(tmp_path) == before


def test_addresses_of_a_table_without_a_network_are_given_up_soon(tmp_path, capsys):
    table = tmp_path / "urls.csv"
    lines = [f"http://h{number}.invalid/a.png,foreground" for number in range(50)]
    table.write_text("\n".join(["url,kind", *lines]))
    options = ("--source", "urls", "--urls", table, *CONTACT, *QUICK)
    assert run(tmp_path / "out", *options) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        "download.py: no network: h2.invalid cannot be reached; run again when there is"
    ]
    assert set(outcomes(tmp_path / "out").values()) == {
        f"try again: h{number}.invalid cannot be reached" for number in range(2)
    }


def test_a_broken_interface_ends_with_1_and_keeps_what_there_is(site, tmp_path, capsys):
    files = {f"cat{number:02}.png": draw_cutout(number) for number in range(25)}
    options = play_openverse(site, files)
    play = site.answers["/v1/images/"]
    site.answers["/v1/images/"] = lambda query: (
        b"{broken" if query["page"] == "2" else play(query)
    )
    assert run(tmp_path, *options, "--limit", "22", "--backgrounds") == 1
    assert "openverse: the answer is not JSON; run again later" in (
        capsys.readouterr().err
    )
    assert len(layers.list_layers(tmp_path / "foregrounds")) == 20


def test_a_table_of_addresses_becomes_both_kinds(site, tmp_path, capsys):
    site.answers["/a.png"], site.answers["/b"] = draw_cutout(1), draw_photograph(1)
    table = tmp_path / "urls.csv"
    table.write_text(
        "url,kind,licence,group,split,name\n"
        f"{site.address}/a.png,foreground,CC0-1.0,hair,heldout,wig\n"
        f"{site.address}/b,background,GPL-2+,,,\n"
        f"{site.address}/c,background,GPL-2+,,,\n"
    )
    options = ("--source", "urls", "--urls", table, *CONTACT, *QUICK[:-1])
    assert run(tmp_path / "out", *options) == 1
    wig, photograph, missing = (
        next(row for row in read_rows(tmp_path / "out") if row["url"].endswith(end))
        for end in ("/a.png", "/b", "/c")
    )
    assert wig["path"] == "heldout/foregrounds/wig.webp"
    assert (wig["split"], wig["group"], wig["licence"]) == (
        "heldout",
        "hair",
        "CC0-1.0",
    )
    assert photograph["path"].startswith("backgrounds/b-")
    assert photograph["path"].endswith(".jpg")
    assert missing["status"] == "not fetched: HTTP 404"
    errors = capsys.readouterr().err.splitlines()
    fault = "download.py: urls backgrounds: 1 of 2; manifest.csv has the reasons"
    assert fault in errors
    assert errors[-7:] == [
        "urls foregrounds: 1 ok",
        "urls foregrounds licences: 1 CC0-1.0",
        "urls backgrounds: 1 ok, 1 not fetched",
        "urls backgrounds licences: 1 GPL-2+",
        "foregrounds classes: 0 hair (+1 held out)",
        "backgrounds classes: 1 without class",
        "licences: 1 CC0-1.0, 1 GPL-2+",
    ]


def test_a_folder_becomes_a_collection_that_says_nothing_of_this_machine(tmp_path):
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(draw_cutout(1))
    (folder / "sub/b.dat").write_bytes(draw_cutout(2))
    (folder / "c.jpg").write_bytes(draw_photograph(3))
    (folder / "d.png").write_bytes(b"?")
    options = ("--source", "local", "--folder", folder, "--licence", "CC0-1.0", *QUICK)
    output = tmp_path / "out"
    assert run(output, *options) == 1
    rows = read_rows(output)
    assert {row["url"]: row["status"] for row in rows} == {
        "mine/a.png": "ok",
        "mine/sub/b.dat": "ok",
        "mine/c.jpg": "ok",
        "mine/d.png": "not a picture",
    }
    assert {row["path"] for row in rows} == {
        "",
        "foregrounds/a.webp",
        "foregrounds/b.webp",
        "backgrounds/c.jpg",
    }
    assert {row["fetched"] for row in rows} == {""}
    for name in ("manifest.csv", "ATTRIBUTION.md"):
        assert str(tmp_path) not in (output / name).read_text()
    before = everything(output)
    assert run(output, *options) == 1
    assert everything(output) == before
    (folder / "a.png").write_bytes(draw_cutout(7))
    assert run(output, *options) == 1
    assert everything(output)["foregrounds/a.webp"] != before["foregrounds/a.webp"]


def test_too_few_pictures_of_a_search_are_one_line_and_exit_code_1(
    site, tmp_path, capsys
):
    options = (*play_openverse(site, {"cat.png": draw_cutout(1)}), "--limit", "3")
    assert run(tmp_path, *options, "--backgrounds") == 1
    assert capsys.readouterr().err == (
        "download.py: openverse foregrounds: 1 of 3; give more --foregrounds queries\n"
    )


def test_frames_of_render_are_rejected_by_their_numbers_too(tmp_path, capsys):
    for name in ("sheets", "foregrounds"):
        (tmp_path / name).mkdir()
    (tmp_path / "sheets/numbers.csv").write_text("number,path\n1,foregrounds/a.png\n")
    (tmp_path / "manifest.csv").write_text("path,class\nforegrounds/a.png,hair\n")
    assert run(tmp_path, "--reject", "1") == 0
    assert capsys.readouterr().out == "foregrounds/a.png\n"
    assert (tmp_path / "foregrounds/rejects.txt").read_text() == "a.png\n"
    assert (tmp_path / "manifest.csv").read_text().startswith("path,class")


def test_a_split_that_leads_out_of_the_collection_is_refused(tmp_path):
    folder, output = tmp_path / "mine", tmp_path / "a/b/out"
    (folder / "foregrounds").mkdir(parents=True)
    (folder / "foregrounds/a.png").write_bytes(draw_cutout(1))
    (folder / "manifest.csv").write_text("path,split\nforegrounds/a.png,../../evil\n")
    assert run(output, "--source", "local", "--folder", folder, *QUICK) in (0, 1)
    assert outcomes(output) == {"mine/foregrounds/a.png": "unknown split: '../../evil'"}
    assert not (tmp_path / "a/evil").exists()


@pytest.mark.parametrize("text", [b'path\n"' + b"x" * 200_000, b"path\n\xff\n"])
def test_a_table_with_a_stray_quote_is_one_clear_line(tmp_path, capsys, text):
    (tmp_path / "manifest.csv").write_bytes(text)
    options = ("--folder", tmp_path, "--selection", tmp_path / "manifest.csv")
    for source, output in (("local", "out"), ("debian", "out"), ("local", ".")):
        assert run(tmp_path / output, "--source", source, *options) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "no CSV in UTF-8" in line and "look for a stray quote" in line


def test_several_sources_fill_one_collection(site, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.png").write_bytes(draw_cutout(50))
    options = play_openverse(site, {"cat.png": draw_cutout(1)})
    options = (*options, "--source", "openverse", "--source", "local")
    options = (*options, "--folder", tmp_path / "mine", "--backgrounds", "--limit", 1)
    assert run(tmp_path / "out", *options) == 0
    sources = [row["source"] for row in read_rows(tmp_path / "out")]
    assert sorted(sources) == ["local", "openverse"]


def test_a_source_that_has_nothing_at_all_is_a_failure(tmp_path):
    (tmp_path / "mine").mkdir()
    options = ("--source", "local", "--folder", tmp_path / "mine")
    assert run(tmp_path / "out", *options, "--quiet") == 1


def test_a_dry_run_lists_candidates_and_fetches_none(site, tmp_path, capsys):
    files = {f"cat{number}.png": draw_cutout(number) for number in range(3)}
    options = (*play_openverse(site, files), "--limit", "2", "--backgrounds")
    assert run(tmp_path / "out", *options, "--dry-run") == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["title"] for row in listed] == ["cat0.png", "cat1.png"]
    assert {row["licence"] for row in listed} == {"CC-BY-4.0"}
    assert site.pictures_asked() == [] and not (tmp_path / "out").exists()
    away = ("--openverse-api", "http://away.invalid/", *CONTACT, *QUICK, "--dry-run")
    assert run(tmp_path / "out", *away) == 1


def test_a_dry_run_of_debian_unpacks_nothing(tmp_path, capsys):
    options = ("--source", "debian", "--packages", "kphotoalbum", "--dry-run")
    assert run(tmp_path / "out", *options, "--cache", tmp_path / "cache") == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert listed and all(row["url"].startswith("deb:kphotoalbum=") for row in listed)
    assert {row["fault"] for row in listed} == {""}
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--contact: got ''.*give the mail address"),
        (("--contact", "me"), "--contact: got 'me'"),
        (("--contact", "a@b X: y"), "--contact: got 'a@b X: y'"),
        (("--source", "bing"), "invalid choice: 'bing'"),
        (("--source", "local"), "--source local: needs --folder"),
        (("--source", "urls", *CONTACT), "--source urls: needs --urls"),
        ((*CONTACT, "--limit", "0"), "--limit: got 0; give 1 or more"),
        ((*CONTACT, "--delay", "-1"), "--delay: got -1.0; give 0 or more"),
        ((*CONTACT, "--delay", "nan"), "--delay: got nan"),
        ((*CONTACT, "--min-side", "0"), "--min-side: got 0"),
        ((*CONTACT, "--largest-side", "99", "99"), "--largest-side: got 99; give 200"),
        ((*CONTACT, "--licences", "gpl"), "--licences: got 'gpl'; give some of cc0"),
        (("--source", "google", *CONTACT, "--dry-run"), "--dry-run: google downloads"),
        (("--reject", "x"), "--reject: not a number, got 'x'"),
        (("--reject", "1"), "--reject: no picture 1 on the sheets"),
        (("--source", "local", "--folder", "none"), "--folder: no folder none"),
    ],
)
def test_options_that_cannot_work_end_with_2(tmp_path, capsys, arguments, message):
    try:
        code = run(tmp_path / "out", *arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert re.search(message, capsys.readouterr().err.splitlines()[-1])
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_something_else_ends_with_2(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    options = ("--source", "local", "--folder", tmp_path / "mine")
    (tmp_path / "manifest.csv").write_text("a,b\n1,2\n")
    assert run(tmp_path, *options) == 2
    assert "not of download.py; choose another --output" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        run(tmp_path / "manifest.csv", *options)
    assert end.value.code == 2


def test_a_second_run_on_the_same_folder_ends_with_2_and_changes_nothing(
    site, tmp_path, capsys
):
    options = (*play_openverse(site, {"cat.png": draw_cutout(0)}), "--limit", "1")
    assert run(tmp_path, *options, "--backgrounds") == 0
    before = everything(tmp_path)
    (tmp_path / "manifest.journal").write_text("of the run that goes on")
    (tmp_path / "foregrounds/.next.webp.part").write_text("of the run that goes on")
    capsys.readouterr()
    with lock.hold(tmp_path / "manifest.csv"):
        for arguments in (options, ("--reject", "1")):
            assert run(tmp_path, *arguments) == 2
            assert capsys.readouterr().err == (
                f"download.py: {tmp_path}: another run is filling it; "
                "wait for it or give another --output\n"
            )
        assert run(tmp_path, *options, "--dry-run") == 0
    assert (tmp_path / "manifest.journal").exists()
    assert (tmp_path / "foregrounds/.next.webp.part").exists()
    (tmp_path / "manifest.journal").unlink()
    assert run(tmp_path, *options, "--backgrounds") == 0
    assert everything(tmp_path) == before


def test_a_full_disk_ends_with_1_and_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.png").write_bytes(draw_cutout(1))

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.Manifest, "add", fail)
    options = ("--source", "local", "--folder", tmp_path / "mine", *QUICK)
    assert run(tmp_path / "out", *options) == 1
    assert capsys.readouterr().err == (
        "download.py: [Errno 28] No space left on device\n"
    )


def test_the_defaults_are_the_original_queries_and_free_licences():
    options = download.parse_args(list(CONTACT), "")
    assert options.source == ["openverse"]
    assert download.list_queries(options) == {
        "foreground": ["portrait transparent background"],
        "background": ["texture background"],
    }
    assert options.licences == ["cc0", "pdm", "by", "by-sa"]
    limits = [download.limit_of(name, options) for name in download.SOURCES]
    assert limits == [500, 500, 500, None, None, None, None]
    assert openverse.API.startswith("https://api.openverse.org/v1/")


def test_help_starts_without_the_libraries_of_each_source():
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    worker = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    for flag in ("--source", "--chromedriver", "--selection", "--urls", "--folder"):
        assert flag in worker.stdout
    assert "--source local --folder PICTURES" in worker.stdout
    assert worker.stdout.count("(default:") >= 18
