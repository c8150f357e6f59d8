import doctest
import json
from pathlib import Path

import pytest

from scripts.collect import (
    checkerboard,
    commons,
    credits,
    gates,
    manifest,
    rows,
    sheets,
    summary,
)
from scripts.collect.manifest import Manifest
from tests.collected import add, candidate, picture_row


def files_in(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_examples_of_the_documentation_hold():
    modules = checkerboard, commons, credits, gates, rows, sheets, summary
    for module in (*modules, manifest):
        assert doctest.testmod(module).failed == 0


def test_a_row_tells_all_that_the_source_told_in_one_line():
    row = rows.describe(
        candidate(
            path=Path("secret.png"),
            title="two\nlines ",
            licence="CC0-1.0",
            crop=(1, 2, 4, 8),
        )
    )
    assert tuple(row) == rows.COLUMNS
    assert row["title"] == "two lines"
    assert row["url"] == "https://h/a%20b.png#xywh=1,2,3,6"
    assert (row["query"], row["licence"], row["path"]) == ("cat", "CC0-1.0", "")


def test_a_text_that_is_no_unicode_does_not_spoil_the_collection(tmp_path):
    book = Manifest(tmp_path)
    told = {"title": "Cat \ud83d...", "name": "caf\udce9"}
    add(book, candidate("caf\udce9.png", **told), b"1")
    book.write()
    [row] = Manifest(tmp_path).rows.values()
    assert (row["url"], row["title"]) == ("caf?.png", "Cat ?...")
    assert (tmp_path / row["path"]).read_bytes() == b"1"


def test_a_picture_stays_with_its_row_when_a_failure_may_pass(tmp_path):
    """Otherwise, when it changes sides later, it would be on both."""
    book = Manifest(tmp_path)
    before = add(book, candidate(), b"1")
    moved = candidate(split="heldout")
    book.add({**rows.describe(moved), "status": "try again: HTTP 503"}, None)
    assert list(book.rows.values()) == [before]
    add(book, moved, b"1")
    book.write()
    assert [path for path in files_in(tmp_path) if path.endswith(".webp")] == [
        book.rows[rows.key_of(moved)]["path"]
    ]
    book.add({**rows.describe(moved), "status": "not fetched: HTTP 404"}, None)
    assert not list(tmp_path.rglob("*.webp"))


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    book = Manifest(tmp_path)
    add(book, candidate(title='comma, "quote" | ünïcode'), b"1")
    book.add({**rows.describe(candidate("https://h/2")), "status": "no alpha"}, None)
    book.write()
    before = files_in(tmp_path)
    assert len(before) == 3 and {"ATTRIBUTION.md", "manifest.csv"} < set(before)
    again = Manifest(tmp_path)
    assert again.rows == book.rows
    again.write()
    assert files_in(tmp_path) == before
    assert b"\r" not in before["manifest.csv"]


def test_rows_are_sorted_pictures_first(tmp_path):
    book = Manifest(tmp_path)
    book.add({**rows.describe(candidate("https://h/0")), "status": "no alpha"}, None)
    for name in "cab":
        add(book, candidate(f"https://h/{name}", name=name), name.encode())
    book.write()
    paths = [row["path"] for row in rows.read_rows(tmp_path / "manifest.csv")]
    assert paths == [f"foregrounds/{name}.webp" for name in "abc"] + [""]


def test_settled_candidates_are_not_tried_again(tmp_path):
    book = Manifest(tmp_path)
    add(book, candidate("https://h/ok"), b"1")
    for url, status in (("no", "no alpha"), ("gone", "not fetched: HTTP 404")):
        book.add(
            {**rows.describe(candidate(f"https://h/{url}")), "status": status}, None
        )
    later = {**rows.describe(candidate("https://h/later")), "status": "try again: busy"}
    book.add(later, None)
    book.write()
    book = Manifest(tmp_path)
    for url, settled in (("ok", True), ("no", True), ("gone", True), ("later", False)):
        assert book.is_settled(candidate(f"https://h/{url}")) is settled
    assert not book.is_settled(candidate("https://h/new"))
    assert book.is_settled(candidate("https://h/new")), "met twice in one run"
    assert not book.is_settled(candidate("https://h/ok", kind="background"))
    assert not book.is_settled(candidate("https://h/ok", crop=(0, 0, 9, 9)))
    assert not Manifest(tmp_path).is_settled(candidate("https://h/no", fault="gone"))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"?")])
def test_a_picture_whose_file_is_gone_or_changed_is_made_again(tmp_path, damage):
    book = Manifest(tmp_path)
    row = add(book, candidate(), b"1")
    book.write()
    damage(tmp_path / row["path"])
    book = Manifest(tmp_path)
    assert book.count("foreground", "openverse", ["cat"]) == 0
    assert not book.is_settled(candidate())
    assert book.name_file(candidate(), ".webp") == row["path"]


def test_a_file_at_hand_is_settled_only_as_long_as_it_stays_the_same(tmp_path):
    book, path = Manifest(tmp_path / "out"), tmp_path / "a.png"
    path.write_bytes(b"1")
    given = candidate("local/a.png", path=path)
    add(book, given, b"1")
    book.write()
    assert Manifest(tmp_path / "out").is_settled(given)
    path.write_bytes(b"2")
    assert not Manifest(tmp_path / "out").is_settled(given)


def test_what_a_source_corrects_is_taken_up(tmp_path):
    book = Manifest(tmp_path)
    add(book, candidate(licence="CC0-1.0", group="fur", creator="Ann"), b"1")
    book.write()
    book = Manifest(tmp_path)
    assert book.is_settled(candidate(licence="CC-BY-4.0", group="hair", creator=""))
    book.write()
    [row] = rows.read_rows(tmp_path / "manifest.csv")
    assert (row["licence"], row["group"]) == ("CC-BY-4.0", "hair")
    assert row["creator"] == "Ann", "what is not told any more stays"
    assert "CC-BY-4.0" in (tmp_path / "ATTRIBUTION.md").read_text()


def test_a_picture_that_is_held_out_now_changes_sides(tmp_path):
    book = Manifest(tmp_path)
    before = add(book, candidate(), b"1")
    book.write()
    book = Manifest(tmp_path)
    assert not book.is_settled(candidate(split="heldout"))
    after = add(book, candidate(split="heldout"), b"1")
    book.write()
    assert not (tmp_path / before["path"]).exists()
    assert after["path"] == f"heldout/{before['path']}"
    assert (tmp_path / after["path"]).is_file()


def test_the_picture_of_a_file_that_is_refused_now_goes_with_its_row(tmp_path):
    book, given = Manifest(tmp_path), candidate("local/a.png")
    row = add(book, given, b"1")
    book.add({**rows.describe(given), "status": "no alpha"}, None)
    assert not (tmp_path / row["path"]).exists()


def test_only_pictures_of_the_same_queries_count(tmp_path):
    book = Manifest(tmp_path)
    add(book, candidate("https://h/1"), b"1")
    add(book, candidate("https://h/2")._replace(query="dog"), b"2")
    add(book, candidate("https://h/3")._replace(query=""), b"3")
    add(book, candidate("https://h/4", kind="background"), b"4")
    assert book.count("foreground", "openverse", ["cat"]) == 2
    assert book.count("foreground", "openverse", ["cat", "dog"]) == 3
    assert book.count("foreground", "commons", ["cat"]) == 0


def test_the_same_bytes_are_the_same_picture_unless_another_part_is_meant(tmp_path):
    book = Manifest(tmp_path)
    row = add(book, candidate("https://h/1"), b"1")
    twin = picture_row(candidate("https://h/2"), b"1")
    assert book.find_twin(twin) == f"duplicate: the same bytes as {row['path']}"
    part = picture_row(candidate("https://h/2", crop=(0, 0, 5, 5)), b"1")
    background = picture_row(candidate("https://h/2", kind="background"), b"1")
    other = picture_row(candidate("https://h/2"), b"2")
    same = picture_row(candidate("https://h/1"), b"1")
    for distinct in (part, background, other, same):
        assert book.find_twin(distinct) == ""


def test_near_pictures_are_told_by_the_bits_of_their_hashes(tmp_path):
    book = Manifest(tmp_path, near=4)
    row = add(book, candidate("https://h/1"), b"1", phash="ff00ff00ff00ff00")
    near = picture_row(candidate("https://h/2"), b"2", phash="ff00ff00ff00ff0f")
    assert book.find_near(near) == f"near duplicate: 4 bits from {row['path']}"
    far = picture_row(candidate("https://h/2"), b"2", phash="ff00ff00ff00ff1f")
    assert book.find_near(far) == ""
    book.near = -1
    assert book.find_near({**near, "phash": row["phash"]}) == ""


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (candidate(name="../../etc/pass wd"), "foregrounds/etc-pass-wd.webp"),
        (candidate(name="hair-007-1"), "foregrounds/hair-007-1.webp"),
        (candidate(name="x", split="heldout"), "heldout/foregrounds/x.webp"),
        (candidate(name="x" * 300), f"foregrounds/{'x' * 80}.webp"),
        (candidate("http://[bad/x.png"), "foregrounds/{digest}.webp"),
        (candidate("https://h/?id=3"), "foregrounds/{digest}.webp"),
        (candidate("https://h/%2e%2e%2fé.png?x"), "foregrounds/{digest}.webp"),
        (candidate("https://h/a/b.c.png"), "foregrounds/b-c-{digest}.webp"),
    ],
)
def test_names_are_plain_whatever_the_source_calls_a_picture(tmp_path, given, path):
    digest = rows.hashlib.sha256(given.url.encode()).hexdigest()[:8]
    assert Manifest(tmp_path).name_file(given, ".webp") == path.format(digest=digest)


def test_two_pictures_of_one_name_get_two_files(tmp_path):
    book = Manifest(tmp_path)
    first = add(book, candidate("https://h/1", name="cat"), b"1")
    second = add(book, candidate("https://h/2", name="CAT"), b"2")
    assert first["path"].lower() != second["path"].lower()
    assert (
        book.name_file(candidate("https://h/1", name="cat"), ".webp") == first["path"]
    )


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["write_bytes", "journal", "replace"])
def test_a_run_killed_at_any_step_leaves_no_picture_without_its_row(
    tmp_path, monkeypatch, step
):
    def die(*arguments, **options):
        raise Killed

    book = Manifest(tmp_path)
    add(book, candidate("https://h/1", name="one"), b"1")
    with monkeypatch.context() as patch:
        if step == "write_bytes":
            patch.setattr(Path, "write_bytes", die)
        elif step == "journal":
            patch.setattr(json, "dumps", die)
        else:
            patch.setattr(manifest.os, "replace", die)
        with pytest.raises(Killed):
            add(book, candidate("https://h/2", name="two"), b"2")
    again = Manifest(tmp_path)
    named = {row["path"] for row in again.rows.values() if row["status"] == "ok"}
    assert named == {
        path for path in files_in(tmp_path) if path.startswith("foregrounds/")
    }
    assert again.is_settled(candidate("https://h/1"))
    assert again.is_settled(candidate("https://h/2")) is (step == "replace")


def test_a_journal_cut_short_loses_only_its_last_line(tmp_path):
    book = Manifest(tmp_path)
    for number in "12":
        add(book, candidate(f"https://h/{number}", name=number), number.encode())
    journal = tmp_path / "manifest.journal"
    journal.write_bytes(journal.read_bytes()[:-20])
    again = Manifest(tmp_path)
    assert [row["path"] for row in again.rows.values()] == ["foregrounds/1.webp"]
    assert not journal.exists()


def test_the_manifest_of_something_else_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,class\na,b\n")
    with pytest.raises(ValueError, match="not of download.py; choose another --output"):
        Manifest(tmp_path)
    book = Manifest(tmp_path / "b")
    add(book, candidate(), b"1")
    book.write()
    path = tmp_path / "b/manifest.csv"
    path.write_text(path.read_text() + "foregrounds/x.webp,foreground\n")
    with pytest.raises(ValueError, match="damaged"):
        Manifest(tmp_path / "b")


def test_rejected_pictures_neither_count_nor_come_back_until_they_are_pardoned(
    tmp_path,
):
    book = Manifest(tmp_path)
    for number in "12":
        add(book, candidate(f"https://h/{number}", name=number), number.encode())
    book.write()
    rejects = tmp_path / "foregrounds/rejects.txt"
    rejects.write_text("1.webp\n")
    book = Manifest(tmp_path)
    assert book.count("foreground", "openverse", ["cat"]) == 1
    assert book.rows["foreground", "https://h/1"]["status"] == "rejected by hand"
    assert book.is_settled(candidate("https://h/1"))
    assert "1.webp" not in (tmp_path / "ATTRIBUTION.md").read_text()
    (tmp_path / "foregrounds/1.webp").unlink()
    assert Manifest(tmp_path).is_settled(candidate("https://h/1"))
    (tmp_path / "foregrounds/1.webp").write_bytes(b"1")
    rejects.write_text("\n")
    assert Manifest(tmp_path).count("foreground", "openverse", ["cat"]) == 2
