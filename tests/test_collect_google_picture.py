"""One picture of the source google, as the package downloads it, without a browser."""

import shutil

import pytest

from tests.search_server import SearchServer, draw, make_certificate, trust

pytest.importorskip("google_images_download")
pytest.importorskip("selenium")
if not shutil.which("openssl"):
    pytest.skip("no openssl", allow_module_level=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(certificate, monkeypatch):
    for name, value in trust(certificate).items():
        monkeypatch.setenv(name, value)
    with SearchServer(*certificate) as server:
        yield server


@pytest.fixture
def download_one(server, tmp_path, monkeypatch):
    """Gives a function that downloads a picture and returns what is reported."""
    from scripts.collect import google_worker as worker

    monkeypatch.chdir(tmp_path)
    urlopen = worker.package.urlopen
    limited = lambda *values: worker.LimitedResponse(urlopen(*values))  # noqa: E731
    monkeypatch.setattr(worker.package, "urlopen", limited)

    def download_one(url, **limits):
        for name, value in limits.items():
            monkeypatch.setattr(worker, name, value)
        events = []
        search = worker.Search("", lambda **event: events.append(event), lambda: None)
        search.download_image(url)
        search.pool.shutdown(cancel_futures=True)
        [event] = events
        return event

    return download_one


def test_a_picture_that_takes_too_long_is_given_up(download_one, server):
    server.pages["slow"] = "hang"
    url = server.url("/search?q=slow&n=.png")
    event = download_one(url, LONGEST=0.3, SILENCE=1)
    assert event["fault"] == "too slow, over 0.3 s"


def test_a_picture_that_is_too_large_is_given_up(download_one, server):
    url = server.put("/large.png", draw(0))
    assert download_one(url, LARGEST=1000)["fault"] == "too large, over 1000 bytes"


def test_a_picture_cut_short_is_left_to_the_fetcher(download_one, server):
    url = server.put("/short.png", draw(0), **{"Content-Length": "999999"})
    event = download_one(url)
    assert event["again"]
    assert event["path"] == ""


def test_a_failure_in_the_middle_of_the_package_is_a_fault(download_one, server):
    from scripts.collect import google_worker as worker

    class Refusing(worker.LimitedResponse):
        def read(self):
            self.close()
            raise worker.http.client.InvalidURL("URL can't contain control characters")

    url = server.put("/a.png", draw(0))
    event = download_one(url, LimitedResponse=Refusing)
    assert event["fault"] == "URL can't contain control characters"
