import csv
import hashlib
import io
import os
import subprocess
import sys

import numpy as np
from PIL import Image

from model import images, layers
from scripts import download
from scripts.collect import openverse
from tests.downloading import (
    CONTACT,
    QUICK,
    SCRIPT,
    draw_cutout,
    draw_photograph,
    encode,
    everything,
    outcomes,
    play_openverse,
    read_rows,
    run,
)


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
