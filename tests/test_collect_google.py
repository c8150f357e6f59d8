"""The source google.

The first tests run the real package, its real Selenium and a real headless Chromium
against a local search page. `no_chrome` runs the real package as well, but has it read
the page without a browser, which spares 20 seconds: there the question is what becomes
of the page.
"""

import csv
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.collect import google
from scripts.collect.candidate import SourceError
from scripts.collect.google import GoogleSource
from tests.search_server import SearchServer, draw, make_certificate, record, trust

ROOT = Path(__file__).resolve().parents[1]
QUERY = "portrait transparent background"
SCRATCH = "temporary-files-" + 64 * "x"  # as a long TMPDIR, where Chrome cannot start
NO_CHROME = """
exec(compile(open({real!r}).read(), {real!r}, "exec"))
from google_images_download.page import read_page
googleimagesdownload.download_extended_page = read_page
"""
READ_PAGE = """
import urllib.request
def read_page(self, url, chromedriver):
    print("Getting you a lot of images.")
    with urllib.request.urlopen(url) as response:
        return response.read().decode()
"""
is_missing = [
    name
    for name in ("google_images_download", "selenium")
    if importlib.util.find_spec(name) is None
]
is_missing += [name for name in ("chromedriver", "openssl") if not shutil.which(name)]
if not (shutil.which("chromium") or shutil.which("google-chrome")):
    is_missing.append("chromium")


@pytest.fixture(scope="module", autouse=True)
def everything_is_installed():
    if is_missing:
        message = f"no {', '.join(is_missing)}; .ci/run and '.[download]' install them"
        # continuous integration is where these tests must not be left out
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def environment(certificate):
    return trust(certificate)


@pytest.fixture
def server(certificate, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with SearchServer(*certificate) as server:
        yield server


@pytest.fixture
def no_chrome(tmp_path, monkeypatch):
    """Puts a package before the real one that is the same, but for the browser."""
    real = importlib.util.find_spec("google_images_download").submodule_search_locations
    folder = tmp_path / "no-chrome/google_images_download"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "page.py").write_text(READ_PAGE)
    code = NO_CHROME.format(real=f"{real[0]}/google_images_download.py")
    (folder / "google_images_download.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    return folder


@pytest.fixture
def source(server, no_chrome, tmp_path):
    return GoogleSource(tmp_path / "work", page_url=server.page_url, timeout=300)


def show_good(server, count, query=QUERY):
    urls = [server.put(f"/{query[:3]}{i}.png", draw(i)) for i in range(count)]
    server.show(query, [record(url, number=i) for i, url in enumerate(urls)])
    return urls


def members_of(session):
    """Process ids of a session, zombies left out."""
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            members.append(int(path.parent.name))
    return members


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


# The real package with a real Chromium

FAULTY = {  # picture: its path, its address in the page, its fault
    "error page": ("/error.png", "/error.png", "not a picture, begins with"),
    "missing": ("/other.png", "/gone.png", "HTTP Error 404"),
    "vector": ("/drawing.jpg", "/drawing.jpg", 'not a picture, begins with "<svg'),
    "port": ("", "https://localhost:no/a.png", "not an address"),
    "no host": ("", "https://localhost:1/a.png", "[Errno 111] Connection refused"),
}
GOOD = {
    "plain": ("/plain.png", "/plain.png"),
    "busy at first": ("/busy.png", "/busy.png"),
    "query": ("/query.png?width=9&x=1", r"/query.png?width\u003d9\u0026x\u003d1"),
    "space": ("/two%20words.png", "/two words.png"),
    "umlaut": ("/%C3%A4.png", "/ä.png"),
    "long": (f"/{'long-' * 80}.png", f"/{'long-' * 80}.png"),
    "capitals": ("/CAPITALS.PNG", "/CAPITALS.PNG"),
    "no ending": ("/picture/12", "/picture/12"),
    "in the middle": ("/a.png/revision/3", "/a.png/revision/3"),
}


def command_for(server, output, *options):
    """The command that collects cut-outs from the source google."""
    command = [sys.executable, ROOT / "scripts/download.py", "--source", "google"]
    command += ["--google-page", server.page_url, "--contact", "a@example.org"]
    command += ["--foregrounds", QUERY, "--backgrounds", "--delay", "0"]
    return [*command, "--output", output, *options]


def download(*arguments):
    return subprocess.run(command_for(*arguments), capture_output=True, text=True)


@pytest.fixture(scope="module")
def chrome_run(certificate, environment, tmp_path_factory):
    """download.py with the real package and Chromium, pictures broken in many ways."""
    folder = tmp_path_factory.mktemp("chrome")
    for name in ("here", SCRATCH):
        (folder / name).mkdir()
    with pytest.MonkeyPatch.context() as patch, SearchServer(*certificate) as server:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("TMPDIR", str(folder / SCRATCH))
        patch.chdir(folder / "here")
        records = []
        for number, (path, written) in enumerate(GOOD.values()):
            if path == "/busy.png":
                server.put(path, b"", 503)
            server.put(path, draw(number))
            told = (server.url(written), f"https://a.org/{number}", f"Title {number}")
            records.append(record(*told, number))
        server.put("/error.png", b"<!DOCTYPE html><title>Sorry</title>")
        server.put("/drawing.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        for path, written, _ in FAULTY.values():
            records.append(record(server.url(written) if path else written))
        server.show(QUERY, [*records, records[0]])
        run = download(server, folder / "output", "--limit", "50")
        with open(folder / "output/manifest.csv", newline="") as file:
            yield server, list(csv.DictReader(file)), folder, run


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_arrives_whatever_its_address_looks_like(chrome_run, name):
    server, rows, folder, _ = chrome_run
    number = list(GOOD).index(name)
    [row] = [row for row in rows if row["url"] == server.url(GOOD[name][0])]
    assert row["status"] == "ok"
    assert row["source_sha256"] == hashlib.sha256(draw(number)).hexdigest()
    assert (folder / "output" / row["path"]).stat().st_size == int(row["bytes"])
    assert (row["kind"], row["source"], row["query"]) == ("foreground", "google", QUERY)
    assert (row["page"], row["title"]) == (f"https://a.org/{number}", f"Title {number}")
    assert row["licence"] == ""


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_no_picture_is_a_row_with_its_fault(chrome_run, name):
    _, written, fault = FAULTY[name]
    [row] = [row for row in chrome_run[1] if row["url"].endswith(written)]
    assert row["status"].startswith(fault)
    assert row["path"] == ""


def test_each_picture_has_one_row_and_too_few_are_exit_code_1(chrome_run):
    _, rows, _, run = chrome_run
    assert len(rows) == len(GOOD) + len(FAULTY)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr


def test_a_busy_host_is_asked_again_by_the_fetcher(chrome_run):
    asked = chrome_run[0].asked
    assert [path for path in asked if path in ("/busy.png", "/robots.txt")] == [
        "/busy.png",
        "/robots.txt",
        "/busy.png",
    ]


def test_the_search_page_is_asked_with_the_query_and_live_filters_only(chrome_run):
    [search] = [path for path in chrome_run[0].asked if path.startswith("/search")]
    assert search.startswith("/search?q=portrait%20transparent%20background&")
    assert "&tbs=ic:trans,isz:m&" in search
    assert "sur:" not in search  # usage rights, which Google has not known since 2020


def test_nothing_is_left_outside_the_output(chrome_run):
    _, rows, folder, run = chrome_run
    assert not list((folder / "here").iterdir())
    assert not list((folder / SCRATCH).iterdir())
    work = folder / "output/google"
    assert "Getting you a lot of images" in (work / google.LOG).read_text()
    assert "Getting you" not in run.stdout + run.stderr
    originals = [path for path in work.iterdir() if path.name != google.LOG]
    assert {path.suffix for path in originals} == {".png"}
    assert len(originals) == len(GOOD) - 1  # the busy one came by the fetcher


def test_a_page_that_never_comes_ends_with_chrome(server, tmp_path, monkeypatch):
    workers = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            workers.append(self.pid)

    next_event = google.Worker.next_event

    def wait_from_then_on(worker, timeout):
        wait_until(lambda: server.asked)  # Chrome may take its time to start
        return next_event(worker, timeout)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    monkeypatch.setattr(google.Worker, "next_event", wait_from_then_on)
    server.pages[QUERY] = "hang"
    source = GoogleSource(tmp_path, page_url=server.page_url, timeout=1)
    with pytest.raises(SourceError, match="nothing happens for 1 s.*; search later"):
        list(source.search("foreground", [QUERY], 5))
    wait_until(lambda: not members_of(workers[0]))


def test_a_killed_run_takes_chrome_with_it(server, tmp_path):
    server.pages[QUERY] = "hang"
    code = f"""
from pathlib import Path
from scripts.collect.google import GoogleSource
source = GoogleSource(Path({str(tmp_path)!r}), page_url={server.page_url!r})
list(source.search("foreground", [{QUERY!r}], 5))
"""
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    wait_until(lambda: server.asked)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    [worker] = map(int, children)
    assert len(members_of(worker)) > 3
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not members_of(worker))


def test_a_driver_that_does_not_work_is_an_error(server, tmp_path):
    driver = shutil.which("false")
    source = GoogleSource(tmp_path, driver, page_url=server.page_url, timeout=300)
    with pytest.raises(SourceError, match="google: no browser: .*false.*; see that"):
        list(source.search("foreground", [QUERY], 5))


def test_a_search_page_out_of_reach_is_an_error(server, tmp_path):
    with socket.create_server(("localhost", 0)) as listener:
        page_url = f"http://localhost:{listener.getsockname()[1]}/search"
    source = GoogleSource(tmp_path, page_url=page_url, timeout=300)
    with pytest.raises(SourceError, match="page fails: .*ERR_.*; see whether the addr"):
        list(source.search("foreground", [QUERY], 5))


# The real package without a browser


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<form action='https://consent.google.com/save'>", "consent to cookies; sea"),
        ("<p>Our systems have detected unusual traffic", "shows a captcha; search"),
        ('{"errorCode":"ERR_UNSAFE_PORT"}', "shows the error ERR_UNSAFE_PORT; search"),
        ("<p>nothing", "no picture for 'portrait transparent background'; see the pa"),
    ],
)
def test_a_page_without_pictures_is_an_error(source, server, page, message):
    server.pages[QUERY] = page
    with pytest.raises(SourceError, match=message):
        list(source.search("foreground", [QUERY], 5))
    kept = source.directory / "page-portrait-transparent-background.html"
    assert kept.read_text() == page


def test_pictures_are_offered_as_files_without_a_licence(source, server):
    urls = show_good(server, 2)
    candidates = list(source.search("foreground", [QUERY], 2))
    assert [candidate.url for candidate in candidates] == urls
    for number, candidate in enumerate(candidates):
        assert candidate.path.read_bytes() == draw(number)
        assert (candidate.licence, candidate.fault) == ("", "")


def test_download_ends_with_as_many_as_asked_and_goes_on_later(
    server, no_chrome, tmp_path
):
    urls = show_good(server, 8)
    for limit in (2, 3):
        run = download(server, tmp_path / "output", "--limit", str(limit))
        assert (run.returncode, run.stdout) == (0, f"{tmp_path}/output/manifest.csv\n")
        files = list((tmp_path / "output/foregrounds").glob("*.webp"))
        assert len(files) == limit
    asked = [path for path in server.asked if path.endswith(".png")]
    assert len(asked) == len(set(asked)) < len(urls)


def read_collection(folder):
    """Files and rows of a collection, but for the time of the rows."""
    with open(folder / "manifest.csv", newline="") as file:
        rows = [{**row, "fetched": ""} for row in csv.DictReader(file)]
    paths = sorted(folder.glob("foregrounds/*"))
    return rows, {path.name: path.read_bytes() for path in paths}


def test_a_killed_download_ends_with_the_same_files(server, no_chrome, tmp_path):
    show_good(server, 6)
    server.pause = 0.3
    run = subprocess.Popen(command_for(server, tmp_path / "killed", "--quiet"))
    wait_until(lambda: len(server.asked) > 4)
    run.kill()
    run.wait()
    server.pause = 0
    assert len(read_collection(tmp_path / "killed")[1]) < 6
    for name in ("killed", "undisturbed"):
        download(server, tmp_path / name)
    assert read_collection(tmp_path / "killed") == (
        read_collection(tmp_path / "undisturbed")
    )
    assert len(read_collection(tmp_path / "killed")[1]) == 6


def test_download_says_why_there_is_nothing(server, no_chrome, tmp_path):
    server.pages[QUERY] = "<p>Our systems have detected unusual traffic"
    run = download(server, tmp_path / "output", "--quiet")
    assert run.returncode == 1
    assert run.stderr.startswith("download.py: google: shows a captcha; search later")
    assert run.stderr.count("\n") == 1


def test_one_query_without_pictures_does_not_end_the_others(source, server):
    show_good(server, 1, "texture background")
    queries = ["nothing", "texture background"]
    candidates = list(source.search("background", queries, 5))
    assert [candidate.query for candidate in candidates] == ["texture background"]
    assert all("ic:color,isz:m" in path for path in server.asked if "search" in path)


def test_pictures_nobody_wants_are_not_downloaded(source, server):
    show_good(server, 20)
    candidates = source.search("foreground", [QUERY], 20)
    next(candidates)
    time.sleep(0.5)
    candidates.close()
    assert 2 <= len([path for path in server.asked if path.endswith(".png")]) <= 4


def test_a_second_run_downloads_nothing_again(source, server):
    show_good(server, 3)
    first = list(source.search("foreground", [QUERY], 5))
    (source.directory / "part-killed.png").write_bytes(b"half")
    server.asked.clear()
    assert list(source.search("foreground", [QUERY], 5)) == first
    assert [path[:7] for path in server.asked] == ["/search"]
    assert not list(source.directory.glob("part-*"))


def test_the_package_prints_into_its_log_only(source, server, capfd):
    show_good(server, 1)
    list(source.search("foreground", [QUERY], 5))
    assert capfd.readouterr() == ("", "")
    assert "Getting you a lot of" in (source.directory / google.LOG).read_text()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('no such tab')", "broke down, .*RuntimeError: no such"),
        ("print('Uh oh!', flush=True); import os; os._exit(0)", "got 'Uh oh!'; see"),
    ],
)
def test_a_package_that_breaks_down_is_an_error(source, no_chrome, code, message):
    (no_chrome / "page.py").write_text(f"def read_page(*_):\n    {code}\n")
    with pytest.raises(SourceError, match=message):
        list(source.search("foreground", [QUERY], 5))


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_type": "clear"}, "--color-type: got 'clear'; choose from full-color"),
        ({"size": ">1024*768"}, "--size: got '>1024[*]768'; choose from large, medium"),
        ({"chromedriver": "/nowhere"}, "--chromedriver: no program /nowhere; leave it"),
        ({"chromedriver": __file__}, "--chromedriver: no program .*test_collect_goog"),
    ],
)
def test_options_that_cannot_work_are_refused_at_once(tmp_path, options, message):
    with pytest.raises(SourceError, match=message):
        GoogleSource(tmp_path, **options)
