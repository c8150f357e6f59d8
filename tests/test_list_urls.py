import csv
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import list_urls
from scripts.collect.candidate import SourceError
from scripts.collect.img2dataset import Img2datasetSource

MANIFEST = """\
path,kind,group,split,status,source,url,page,title,creator,licence,licence_url
a,foreground,fur,,ok,openverse,https://h/a.png,https://h/a,"A, fox",Ann,CC0-1.0,https://l
,foreground,,,HTTP 503,openverse,https://h/b.png,,,,CC-BY-4.0,
b,foreground,,,ok,debian,deb:p=1/c.png,,,,GPL-2+,
c,background,,heldout,ok,urls,https://h/d.jpg,,,,CC0-1.0,
d,foreground,,,ok,urls,"https://h/e.png#xywh=0,0,9,9",,,,CC0-1.0,
e,foreground,,,ok,urls,"https://h/e.png#xywh=9,0,9,9",,,,CC0-1.0,
f,foreground,,,ok,google,https://h/f.png,,,,,
"""


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    return tmp_path / "manifest.csv"


def test_addresses_on_the_web_with_a_licence_are_listed_once(manifest, tmp_path):
    command = [sys.executable, list_urls.__file__, "manifest.csv", "new/urls.csv"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    rows = read(tmp_path / "new/urls.csv")
    names = ["a.png", "b.png", "d.jpg", "e.png"]
    assert [row["url"] for row in rows] == [f"https://h/{name}" for name in names]
    assert tuple(rows[0]) == list_urls.COLUMNS
    assert rows[0]["title"] == "A, fox" and rows[2]["split"] == "heldout"
    words = shlex.split(result.stdout)
    assert words[0] == "img2dataset" and "new/urls.csv" in words
    columns = json.loads(words[words.index("--save_additional_columns") + 1])
    assert set(columns) == set(list_urls.COLUMNS) - {"url"}


def test_only_rows_of_a_status_are_listed(manifest, tmp_path):
    assert list_urls.main([str(manifest), str(tmp_path / "o"), "--status", "HTTP"]) == 0
    assert [row["url"] for row in read(tmp_path / "o")] == ["https://h/b.png"]


@pytest.mark.parametrize(
    "reason",
    [
        "rejected by hand",
        "licence not asked for: by-nc",
        "not fetched: forbidden by robots.txt",
    ],
)
@pytest.mark.parametrize("column", ["status", "fault"])  # of a manifest, of --dry-run
def test_what_was_turned_down_does_not_come_back_unless_asked_for(
    tmp_path, capsys, reason, column
):
    lines = [f"url,kind,licence,{column}", f"https://h/a,foreground,CC0-1.0,{reason}"]
    (tmp_path / "m").write_text("\n".join([*lines, "https://h/b,foreground,CC0-1.0,"]))
    assert list_urls.main([str(tmp_path / "m"), str(tmp_path / "o")]) == 0
    assert [row["url"] for row in read(tmp_path / "o")] == ["https://h/b"]
    line = [str(tmp_path / "m"), str(tmp_path / "o"), "--status"]
    assert list_urls.main([*line, reason[:12]]) == 0
    assert [row["url"] for row in read(tmp_path / "o")] == ["https://h/a"]
    assert list_urls.main([*line, "ok"]) == 2
    assert "no row whose status begins 'ok' with" in capsys.readouterr().err


def test_the_reasons_are_those_that_a_collection_gives():
    sources = [
        path.read_text("utf-8")
        for path in Path(list_urls.__file__).parent.glob("collect/*.py")
    ]
    for reason in list_urls.UNWANTED:
        assert any(f'"{reason}' in source for source in sources), reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,url\na,b\n", "no column kind"),
        ("", "no column kind"),
        ("url,kind,licence\nfile,foreground,CC0-1.0\n", "no row that is wanted with"),
        ('url,kind,licence\n"' + "x" * 200_000, "m: damaged, field larger than"),
        ('url,kind,"' + "x" * 200_000, "m: damaged, field larger than"),
    ],
)
def test_what_is_no_manifest_is_one_line(tmp_path, capsys, text, message):
    (tmp_path / "m").write_text(text)
    assert list_urls.main([str(tmp_path / "m"), str(tmp_path / "o")]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert not (tmp_path / "o").exists()
    assert list_urls.main([str(tmp_path / "none"), str(tmp_path / "o")]) == 2


def test_the_manifest_itself_is_not_overwritten(manifest, capsys):
    before = manifest.read_bytes()
    assert list_urls.main([str(manifest), str(manifest)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert manifest.read_bytes() == before


def test_the_listed_addresses_do_for_the_source_urls(manifest, tmp_path):
    urls = pytest.importorskip("scripts.collect.urls")
    list_urls.main([str(manifest), str(tmp_path / "o")])
    offered = list(urls.UrlsSource(tmp_path / "o").search("foreground", [], 9))
    assert [candidate.licence for candidate in offered] == [
        *("CC0-1.0", "CC-BY-4.0", "CC0-1.0")
    ]


def description(**told):
    """What img2dataset 1.47 writes beside a picture in raw mode."""
    columns = dict.fromkeys(list_urls.COLUMNS, "") | {"name": None}
    return json.dumps(
        columns
        | {"key": "000000", "status": "success", "error_message": None}
        | {"width": None, "height": None, "exif": "{}", "sha256": "00"}
        | told
    )


@pytest.fixture
def fetched(tmp_path):
    (tmp_path / "out/00000").mkdir(parents=True)
    (tmp_path / "out/00001").mkdir()
    for number, (kind, name) in enumerate(
        [("foreground", "a.png"), ("background", "d.jpg"), ("foreground", "e.png")]
    ):
        stem = tmp_path / f"out/0000{number // 2}/{number:06}"
        told = {"url": f"https://h/{name}", "kind": kind, "licence": "CC0-1.0"}
        stem.with_suffix(".json").write_text(description(**told, creator="Ann"))
        stem.with_suffix(".jpg").write_bytes(b"<html>")
    (tmp_path / "out/00000_stats.json").write_text("{}")
    return tmp_path / "out"


def test_what_img2dataset_fetched_is_offered_with_its_licence(fetched):
    offered = list(Img2datasetSource(fetched).search("foreground", [], 9))
    assert [candidate.url for candidate in offered] == [
        *("https://h/a.png", "https://h/e.png")
    ]
    first = offered[0]
    assert first.licence == "CC0-1.0" and first.creator == "Ann" and first.name == ""
    assert first.path == fetched.resolve() / "00000/000000.jpg" and not first.fault
    (other,) = Img2datasetSource(fetched).search("background", [], 9)
    assert other.url == "https://h/d.jpg"


def test_names_of_digits_alone_arrive_as_numbers_and_are_names(fetched):
    told = {"url": "https://h/a.png", "kind": "foreground", "name": 12, "creator": 0}
    (fetched / "00000/000000.json").write_text(description(**told))
    first, _ = Img2datasetSource(fetched).search("foreground", [], 9)
    assert (first.name, first.creator) == ("12", "0")


def test_a_lost_file_is_a_fault_of_its_candidate(fetched):
    (fetched / "00000/000000.jpg").unlink()
    first, _ = Img2datasetSource(fetched).search("foreground", [], 9)
    assert first.fault and first.path is None


def test_another_folder_or_list_is_refused(fetched, tmp_path):
    with pytest.raises(SourceError, match="name one that img2dataset wrote"):
        Img2datasetSource(tmp_path / "none")
    (fetched / "00000/000000.json").write_text('{"url": "https://h/a.png"}')
    with pytest.raises(SourceError, match="no column creator; give img2dataset"):
        list(Img2datasetSource(fetched).search("foreground", [], 9))
    (fetched / "00000/000000.json").write_text("{")
    with pytest.raises(SourceError, match="damaged"):
        list(Img2datasetSource(fetched).search("foreground", [], 9))


@pytest.mark.skipif(not shutil.which("img2dataset"), reason="needs img2dataset")
def test_img2dataset_itself_keeps_bytes_and_licences(site, tmp_path):
    bytes_ = (Path(__file__).parents[1] / "images/example-trimap.png").read_bytes()
    site.answers = {"/a.png": bytes_, "/b.png": b"<html>", "/c.png": 404}
    table = [
        {"url": f"{site.address}/{name}.png", "kind": "foreground", "licence": licence}
        for name, licence in (("a", "CC0-1.0"), ("b", "CC-BY-4.0"), ("c", "CC0-1.0"))
    ]
    rows = [dict.fromkeys(list_urls.COLUMNS, "") | row for row in table]
    list_urls.write_addresses(tmp_path / "urls.csv", rows)
    command = shlex.split(list_urls.describe_command(tmp_path / "urls.csv"))
    subprocess.run([*command, "--processes_count", "1"], check=True, timeout=100)
    offered = list(Img2datasetSource(tmp_path / "urls").search("foreground", [], 9))
    offered.sort()
    assert [candidate.licence for candidate in offered] == ["CC0-1.0", "CC-BY-4.0"]
    assert offered[0].path.read_bytes() == bytes_
    assert offered[1].path.read_bytes() == b"<html>"
