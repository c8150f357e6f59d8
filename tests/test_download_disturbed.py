"""Runs of scripts/download.py that are stopped, disturbed or refused."""

import re
import signal
import subprocess
import time

import pytest

from model import layers, lock
from scripts import download
from tests.downloading import (
    CONTACT,
    QUICK,
    command,
    draw_cutout,
    draw_photograph,
    everything,
    outcomes,
    play_openverse,
    read_rows,
    run,
)


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
