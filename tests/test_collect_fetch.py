import time

import pytest

from scripts.collect import fetch
from scripts.collect.candidate import SourceError
from scripts.collect.fetch import Fetcher, FetchError


def make_fetcher(**options):
    options = {"delay": 0, "backoff": 0.01, "timeout": 2, **options}
    return Fetcher("tester/1 (me@example.org)", **options)


def test_a_file_comes_as_it_is_and_the_request_says_who_asks(site):
    site.answers["/a.png"] = b"\x89PNG"
    assert make_fetcher().fetch(site.address + "/a.png") == b"\x89PNG"
    assert site.agents == {"tester/1 (me@example.org)"}
    assert site.asked == ["/robots.txt", "/a.png"]


def test_robots_txt_is_read_once_and_obeyed(site):
    site.answers["/robots.txt"] = b"User-agent: *\nDisallow: /private/\n"
    site.answers["/a"] = site.answers["/private/b"] = b"x"
    fetcher = make_fetcher()
    for _ in range(2):
        fetcher.fetch(site.address + "/a")
        with pytest.raises(FetchError, match="forbidden by robots.txt") as caught:
            fetcher.fetch(site.address + "/private/b")
        assert not caught.value.temporary
    assert site.asked == ["/robots.txt", "/a", "/a"]


def test_robots_txt_may_name_this_program(site):
    site.answers["/robots.txt"] = b"User-agent: Matting-Download\nDisallow: /\n"
    with pytest.raises(FetchError, match="robots.txt"):
        make_fetcher().fetch(site.address + "/a")


def test_robots_txt_that_cannot_be_read_now_forbids_only_now(site):
    site.answers["/robots.txt"] = 503
    with pytest.raises(FetchError, match="robots.txt: HTTP 503") as caught:
        make_fetcher().fetch(site.address + "/a")
    assert caught.value.temporary
    assert "/a" not in site.asked


@pytest.mark.parametrize("tag", ["noai", "noarchive, NoImageAI", "bot: noindex"])
def test_a_picture_that_its_host_withholds_is_not_taken(site, tag):
    site.answers["/a"] = 200, {"X-Robots-Tag": tag}, b"x"
    with pytest.raises(FetchError, match="X-Robots-Tag") as caught:
        make_fetcher().fetch(site.address + "/a")
    assert not caught.value.temporary


def test_a_busy_host_is_asked_again_after_the_time_it_names(site):
    site.answers["/a"] = [(429, {"Retry-After": "1"}, b""), 500, b"x"]
    started = time.monotonic()
    assert make_fetcher().fetch(site.address + "/a") == b"x"
    assert time.monotonic() - started >= 1
    assert site.asked.count("/a") == 3


def test_a_host_that_names_a_long_time_is_left_for_another_run(site):
    site.answers["/a"] = 429, {"Retry-After": "7200"}, b""
    with pytest.raises(FetchError, match="HTTP 429, asks to wait 7200 s") as caught:
        make_fetcher().fetch(site.address + "/a")
    assert caught.value.temporary
    assert site.asked.count("/a") == 1


def test_a_host_that_names_a_long_time_is_not_asked_for_anything_before(site):
    site.answers["/a"] = 429, {"Retry-After": "7200"}, b""
    site.answers["/b"] = b"x"
    fetcher = make_fetcher()
    with pytest.raises(FetchError, match="HTTP 429"):
        fetcher.fetch(site.address + "/a")
    with pytest.raises(
        FetchError, match=r"^127.0.0.1:\d+ asked for a pause of 7200 s$"
    ):
        fetcher.fetch(site.address + "/b")
    assert site.asked == ["/robots.txt", "/a"]


def test_the_time_that_a_host_names_holds_for_its_other_addresses_too(site):
    site.answers["/a"] = 503, {"Retry-After": "1"}, b""
    site.answers["/b"] = b"x"
    fetcher = make_fetcher(attempts=1)
    with pytest.raises(FetchError, match="HTTP 503"):
        fetcher.fetch(site.address + "/a")
    started = time.monotonic()
    assert fetcher.fetch(site.address + "/b") == b"x"
    assert time.monotonic() - started >= 0.9


@pytest.mark.parametrize(
    ("status", "temporary"), [(404, False), (403, False), (503, True)]
)
def test_only_a_failure_that_may_pass_is_temporary(site, status, temporary):
    site.answers["/a"] = status
    with pytest.raises(FetchError, match=f"HTTP {status}") as caught:
        make_fetcher(attempts=2).fetch(site.address + "/a")
    assert caught.value.temporary is temporary
    assert site.asked.count("/a") == (2 if temporary else 1)


def test_redirects_are_followed_and_their_hosts_rules_obeyed(site):
    other = site.address.replace("127.0.0.1", "localhost")
    site.answers["/a"] = 302, {"Location": other + "/b"}, b""
    site.answers["/b"] = 301, {"Location": "/c"}, b""
    site.answers["/c"] = b"x"
    assert make_fetcher().fetch(site.address + "/a") == b"x"
    assert site.asked == ["/robots.txt", "/a", "/robots.txt", "/b", "/c"]


def test_a_circle_of_redirects_ends(site):
    site.answers["/a"] = 302, {"Location": "/a"}, b""
    with pytest.raises(FetchError, match="more than 5 redirects"):
        make_fetcher().fetch(site.address + "/a")


@pytest.mark.parametrize(
    "address", ["file:///etc/hostname", "ftp://h/a", "a.png", "http://[bad/x.png"]
)
def test_only_web_addresses_are_fetched(address):
    with pytest.raises(FetchError, match="not a web address"):
        make_fetcher().fetch(address)


def test_a_redirect_leads_to_no_file_of_this_machine(site):
    site.answers["/a"] = 302, {"Location": "file:///etc/hostname"}, b""
    with pytest.raises(FetchError, match="not a web address"):
        make_fetcher().fetch(site.address + "/a")


@pytest.mark.parametrize("location", ["http://[bad/x.png", "//[bad"])
def test_a_redirect_to_no_address_is_an_error_of_its_own(site, location):
    site.answers["/a"] = 302, {"Location": location}, b""
    with pytest.raises(FetchError, match="cannot be asked for .Invalid IPv6 URL"):
        make_fetcher().fetch(site.address + "/a")


@pytest.mark.parametrize("status", [500, 501, 521])
def test_robots_txt_of_a_host_in_trouble_forbids_only_now(site, status):
    site.answers.update({"/robots.txt": status, "/a.png": b"picture"})
    with pytest.raises(FetchError, match=f"robots.txt: HTTP {status}") as caught:
        make_fetcher().fetch(site.address + "/a.png")
    assert caught.value.temporary
    assert "/a.png" not in site.asked


@pytest.mark.parametrize(
    "rules",
    [
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /",
        b"User-agent: *\n\nDisallow: /",
        b"User-agent: *\nAllow: /\nDisallow: /private/",
        b"User-agent: *\nDisallow: /*.png$",
    ],
)
def test_robots_txt_is_read_as_rfc_9309_says(site, rules):
    site.answers.update({"/robots.txt": rules, "/private/a.png": b"picture"})
    with pytest.raises(FetchError, match="forbidden by robots.txt"):
        make_fetcher().fetch(site.address + "/private/a.png")


def test_a_body_that_trickles_is_given_up_in_time(site, monkeypatch):
    monkeypatch.setattr(fetch, "LONGEST_TRANSFER", 0.3)
    site.trickle = 0.1
    site.answers["/a.png"] = b"x" * 40
    begun = time.monotonic()
    with pytest.raises(FetchError, match="too slow"):
        make_fetcher(attempts=1).fetch(site.address + "/a.png")
    assert time.monotonic() - begun < 3


def test_a_line_of_robots_txt_that_cannot_be_read_leaves_the_others(site):
    site.answers["/robots.txt"] = b"User-agent: *\nDisallow: http://[b\nDisallow: /p"
    site.answers["/a"] = b"x"
    fetcher = make_fetcher()
    assert fetcher.fetch(site.address + "/a") == b"x"
    with pytest.raises(FetchError, match="forbidden by robots.txt"):
        fetcher.fetch(site.address + "/p")


def test_a_huge_file_is_given_up_while_it_comes(site):
    site.answers["/a"] = b"x" * 300_000
    with pytest.raises(FetchError, match="too large") as caught:
        make_fetcher(largest=100_000).fetch(site.address + "/a")
    assert not caught.value.temporary


def test_a_body_that_breaks_off_is_asked_for_again(site):
    cut = 200, {"Content-Length": "100"}, b"x" * 50
    site.answers["/a"] = [cut, b"y" * 100]
    assert make_fetcher().fetch(site.address + "/a") == b"y" * 100
    site.answers["/b"] = cut
    with pytest.raises(FetchError, match="broke off") as caught:
        make_fetcher(attempts=2).fetch(site.address + "/b")
    assert caught.value.temporary


def test_a_silent_host_is_given_up(site):
    site.delay, site.answers["/a"] = 0.5, b"x"
    with pytest.raises(FetchError, match="does not answer in time") as caught:
        make_fetcher(timeout=0.1, attempts=1).fetch(site.address + "/a")
    assert caught.value.temporary


def test_a_host_is_left_alone_between_two_requests(site):
    site.answers["/a"] = b"x"
    fetcher = make_fetcher(delay=0.2)
    fetcher.fetch(site.address + "/a")
    started = time.monotonic()
    fetcher.fetch(site.address + "/a")
    assert time.monotonic() - started >= 0.19


def test_robots_txt_may_ask_for_longer_pauses(site):
    site.answers["/robots.txt"] = b"User-agent: *\nCrawl-delay: 1\n"
    site.answers["/a"] = b"x"
    fetcher = make_fetcher()
    fetcher.fetch(site.address + "/a")
    assert fetcher._pause(site.address + "/a") == 1


def test_a_lost_host_is_not_asked_for_a_while_and_several_mean_no_network():
    fetcher = make_fetcher(attempts=1, timeout=0.5)
    for _ in range(2):
        with pytest.raises(
            FetchError, match="gone.invalid cannot be reached"
        ) as caught:
            fetcher.fetch("http://gone.invalid/a")
        assert caught.value.temporary
    with pytest.raises(FetchError):
        fetcher.fetch("http://away.invalid/a")
    with pytest.raises(SourceError, match="no network: .*; run again"):
        fetcher.fetch("http://lost.invalid/a")


def test_one_answer_shows_that_there_is_a_network(site):
    site.answers["/a"] = b"x"
    fetcher = make_fetcher(attempts=1, timeout=0.5)
    for name in ("one", "two"):
        with pytest.raises(FetchError):
            fetcher.fetch(f"http://{name}.invalid/a")
    fetcher.fetch(site.address + "/a")
    with pytest.raises(FetchError):
        fetcher.fetch("http://three.invalid/a")


def test_an_interface_is_asked_whatever_robots_txt_says(site):
    site.answers["/robots.txt"] = b"User-agent: *\nDisallow: /\n"
    site.answers["/api"] = lambda query: {"got": query}
    answer = make_fetcher().read_json(site.address + "/api", {"q": "a b", "page": 2})
    assert answer == {"got": {"q": "a b", "page": "2"}}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"<html>"])
def test_an_answer_that_is_no_json_object_is_an_error(site, body):
    site.answers["/api"] = body
    with pytest.raises(FetchError, match="JSON"):
        make_fetcher().read_json(site.address + "/api", {})


def test_the_reason_that_an_interface_gives_is_told(site):
    detail = {"Content-Type": "application/json"}, b'{"detail": "page_size too\\nbig"}'
    site.answers["/api"] = 401, *detail
    with pytest.raises(FetchError, match="HTTP 401, page_size too big"):
        make_fetcher().read_json(site.address + "/api", {})


def test_retry_after_may_be_a_date_or_nonsense():
    assert fetch.retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert fetch.retry_after({"Retry-After": "soon"}) == 0
    assert fetch.retry_after({}) == 0
    for date in ("Wed, 21 Oct 0 99:99:99 GMT", "Wed, 21 Oct 99999999 07:28:00 GMT"):
        assert fetch.retry_after({"Retry-After": date}) == 0
    assert fetch.retry_after({"Retry-After": "9" * 400}) == fetch.LONGEST_WISH
    assert fetch.retry_after({"Retry-After": "9" * 9000}) == 0
