import pytest
from PIL import Image

from scripts.collect.candidate import SourceError
from scripts.collect.local import LocalSource


def put(path, mode="RGBA"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (8, 8)).save(path)


def test_a_folder_of_both_kinds_is_taken_at_its_word(tmp_path):
    for name in ("foregrounds/hair/b.png", "foregrounds/a.webp", "backgrounds/c.png"):
        put(tmp_path / name)
    put(tmp_path / "d.png")
    put(tmp_path / "foregrounds/.hidden.png")
    put(tmp_path / "foregrounds/no.png")
    (tmp_path / "foregrounds/rejects.txt").write_text("no.png\n")
    (tmp_path / "foregrounds/odd.bin").write_bytes(b"?")
    source = LocalSource(tmp_path, "CC0-1.0", "https://l/", "Jo")
    found = list(source.search("foreground", [], 99))
    assert [(item.name, item.group) for item in found] == [
        ("a", ""),
        ("b", "hair"),
        ("odd", ""),
    ]
    assert found[1].url == f"{tmp_path.name}/foregrounds/hair/b.png"
    assert found[1].path == tmp_path / "foregrounds/hair/b.png"
    told = (found[0].licence, found[0].licence_url, found[0].creator)
    assert told == ("CC0-1.0", "https://l/", "Jo")
    assert [item.name for item in source.search("background", [], 9)] == ["c"]


def test_in_a_mixed_folder_transparency_decides(tmp_path):
    put(tmp_path / "cutout.png")
    put(tmp_path / "deep/photograph.jpg", "RGB")
    (tmp_path / "broken.png").write_bytes(b"?")
    source = LocalSource(tmp_path)
    names = [item.name for item in source.search("foreground", [], 9)]
    assert names == ["broken", "cutout"]
    assert [item.name for item in source.search("background", [], 9)] == ["photograph"]


def test_a_manifest_in_the_folder_tells_creators_and_licences(tmp_path):
    put(tmp_path / "foregrounds/a.png")
    put(tmp_path / "foregrounds/b.png")
    (tmp_path / "manifest.csv").write_text(
        "path,creator,licence,split,page\nforegrounds/a.png,Jo,GPL-2+,heldout,\n"
    )
    known, unknown = LocalSource(tmp_path, "CC0-1.0").search("foreground", [], 9)
    assert (known.creator, known.licence, known.split) == ("Jo", "GPL-2+", "heldout")
    assert (unknown.creator, unknown.licence, unknown.split) == ("", "CC0-1.0", "")


def test_what_a_manifest_licenses_gets_nothing_of_the_command_lines_licence(tmp_path):
    put(tmp_path / "foregrounds/a.png")
    put(tmp_path / "foregrounds/b.png")
    (tmp_path / "manifest.csv").write_text("path,licence\nforegrounds/a.png,GPL-2+\n")
    given = "CC0-1.0", "https://cc/0", "Me"
    known, unknown = LocalSource(tmp_path, *given).search("foreground", [], 9)
    assert (known.licence, known.licence_url, known.creator) == ("GPL-2+", "", "")
    assert (unknown.licence, unknown.licence_url, unknown.creator) == given


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="--folder: no folder"):
        LocalSource(tmp_path / "none")
