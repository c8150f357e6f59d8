import itertools

import pytest

from scripts.collect.candidate import SourceError
from scripts.collect.commons import CommonsSource, read_licence
from scripts.collect.fetch import Fetcher
from scripts.collect.openverse import OpenverseSource

OPEN = ["cc0", "pdm", "by", "by-sa"]


def make_fetcher():
    return Fetcher("tester", delay=0, attempts=2, backoff=0.01, timeout=2)


# Openverse


def work(number, query="cat", **changed):
    """One result as the Openverse API gives it."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "title": f"{query} {number}",
        "foreign_landing_url": f"https://photos.example/{query}/{number}",
        "url": f"https://live.example/{query}/{number}.png",
        "creator": "Jo Example",
        "creator_url": "https://photos.example/jo",
        "license": "by-sa",
        "license_version": "4.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/4.0/",
        "provider": "example",
        "filetype": "png",
        "mature": False,
        **changed,
    }


def openverse(site, pages=3, page_size=20):
    """Plays the search: `pages` full pages for any query."""

    def answer(query):
        page = int(query["page"])
        first = (page - 1) * page_size
        return {
            "result_count": pages * page_size,
            "page_count": pages,
            "page_size": page_size,
            "page": page,
            "results": [work(first + n, query["q"]) for n in range(page_size)],
        }

    site.answers["/v1/images/"] = answer
    return OpenverseSource(make_fetcher(), OPEN, site.address + "/v1/images/")


def test_openverse_tells_origin_and_licence_of_each_picture(site):
    first = next(openverse(site).search("foreground", ["cat"], 5))
    assert first == (
        *("foreground", "openverse", "cat", "https://live.example/cat/0.png"),
        *("https://photos.example/cat/0", "cat 0", "Jo Example", "CC-BY-SA-4.0"),
        *(
            "https://creativecommons.org/licenses/by-sa/4.0/",
            "",
            "",
            "",
            None,
            None,
            "",
        ),
    )


@pytest.mark.parametrize(
    ("code", "version", "name"),
    [
        ("cc0", "1.0", "CC0-1.0"),
        ("pdm", "1.0", "CC-PDM-1.0"),
        ("by", "2.0", "CC-BY-2.0"),
    ],
)
def test_openverse_licences_get_their_spdx_names(site, code, version, name):
    source = openverse(site)
    item = work(1, license=code, license_version=version)
    assert source.describe("foreground", "cat", item).licence == name


def test_openverse_is_asked_politely_and_a_page_of_each_query_in_turn(site):
    source = openverse(site, pages=2)
    found = list(source.search("background", ["cat", "dog"], 99))
    assert len(found) == 80
    assert [item.query for item in found[::20]] == ["cat", "dog", "cat", "dog"]
    assert len(site.asked) == 4
    assert "license=cc0%2Cpdm%2Cby%2Cby-sa" in site.asked[0]
    assert "page_size=20&page=1&extension=jpg%2Cjpeg" in site.asked[0]


def test_no_page_of_openverse_is_asked_for_before_it_is_needed(site):
    list(itertools.islice(openverse(site).search("foreground", ["cat"], 5), 20))
    assert len(site.asked) == 1


def test_openverse_ends_where_it_gives_no_deeper_page(site):
    source = openverse(site, pages=50)
    play = site.answers["/v1/images/"]
    refusal = 401, {"Content-Type": "application/json"}, b'{"detail": "too deep"}'
    site.answers["/v1/images/"] = lambda query: (
        refusal if int(query["page"]) > 12 else play(query)
    )
    assert len(list(source.search("foreground", ["cat"], 999))) == 240


def test_a_licence_that_was_not_asked_for_is_a_fault(site):
    item = work(1, license="by-nc")
    found = openverse(site).describe("foreground", "cat", item)
    assert found.fault == "licence not asked for: by-nc"
    assert openverse(site).describe("foreground", "cat", {"id": "7"}).fault


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (503, "openverse: HTTP 503; run again later"),
        (
            (429, {"Retry-After": "7200"}, b""),
            "openverse: HTTP 429, asks to wait 7200 s; run",
        ),
        (
            (401, {"Content-Type": "application/json"}, b'{"detail": "page_size 20"}'),
            "openverse: HTTP 401, page_size 20; change the search",
        ),
        (b"{broken", "openverse: the answer is not JSON; run again later"),
        ({"results": None}, "openverse: an answer without results"),
        ({"results": ["x"]}, "openverse: an answer without results"),
    ],
)
def test_an_openverse_that_cannot_answer_is_one_clear_line(site, answer, message):
    source = openverse(site)
    site.answers["/v1/images/"] = answer
    with pytest.raises(SourceError, match=message):
        next(source.search("foreground", ["cat"], 5))


# Wikimedia Commons


def wiki_file(number, licence="cc-by-sa-4.0", **changed):
    """One page as a wiki's API gives it, formatversion 2."""
    name = f"Cat {number}.png"
    address = f"https://upload.example/a/ab/Cat_{number}.png"
    told = {
        "Artist": '<a href="//wiki.example/User:Jo" title="User:Jo">Jo &amp; Co</a>',
        "License": licence,
        "LicenseShortName": licence.upper().replace("-", " "),
        "LicenseUrl": "https://creativecommons.org/licenses/by-sa/4.0",
        "ObjectName": f"Cat {number}",
    }
    facts = {
        "size": 1234,
        "width": 3000,
        "height": 2000,
        "url": address,
        "descriptionurl": f"https://wiki.example/wiki/File:Cat_{number}.png",
        "sha1": "0" * 40,
        "mime": "image/png",
        "extmetadata": {name: {"value": text} for name, text in told.items()},
        **changed,
    }
    page = {"pageid": 900 - number, "ns": 6, "title": f"File:{name}", "index": number}
    return {**page, "imagerepository": "local", "imageinfo": [facts]}


def wiki(site, count=5):
    """Plays the API of a wiki that finds `count` files, two at a time."""

    def answer(query):
        first = int(query.get("gsroffset", 0))
        numbers = range(first + 1, min(first + 2, count) + 1)
        pages = [wiki_file(number) for number in reversed(numbers)]
        result = {"batchcomplete": True, "query": {"pages": pages}}
        if first + 2 < count:
            result["continue"] = {"gsroffset": first + 2, "continue": "gsroffset||"}
        return result

    site.answers["/w/api.php"] = answer
    return CommonsSource(make_fetcher(), OPEN, site.address + "/w/api.php")


def test_commons_tells_origin_and_licence_in_the_order_of_the_search(site):
    found = list(wiki(site).search("foreground", ["cat"], 99))
    titles = [candidate.title for candidate in found]
    assert titles == [f"Cat {number}" for number in range(1, 6)]
    assert found[0] == (
        *("foreground", "commons", "cat", "https://upload.example/a/ab/Cat_1.png"),
        *("https://wiki.example/wiki/File:Cat_1.png", "Cat 1", "Jo & Co"),
        *("CC-BY-SA-4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
        *("", "", "", None, None, ""),
    )
    assert len(site.asked) == 3
    assert "filemime%3Apng" in site.asked[0] and "gsrnamespace=6" in site.asked[0]


def test_photographs_of_commons_come_in_a_width_that_is_kept_at_hand(site):
    source = wiki(site)
    page = wiki_file(1, thumburl="https://upload.example/thumb/1920px-Cat_1.png")
    found = source.describe("background", "cat", page)
    assert found.url == "https://upload.example/thumb/1920px-Cat_1.png"
    next(source.search("background", ["cat"], 1))
    assert "iiurlwidth=1920" in site.asked[0] and "filemime%3Ajpeg" in site.asked[0]


@pytest.mark.parametrize(
    ("short", "code", "name"),
    [
        ("CC BY-SA 3.0", "by-sa", "CC-BY-SA-3.0"),
        ("cc-by-2.5", "by", "CC-BY-2.5"),
        ("CC BY 3.0 au", "by", "CC-BY-3.0-AU"),
        ("CC BY-NC-SA 2.0", "by-nc-sa", "CC-BY-NC-SA-2.0"),
        ("cc0", "cc0", "CC0-1.0"),
        ("CC-Zero", "cc0", "CC0-1.0"),
        ("Public domain", "pdm", "public-domain"),
        ("pd", "pdm", "public-domain"),
        ("GFDL", "", "GFDL"),
        ("CC BY-SA 4.0-3.0-2.5", "", "CC BY-SA 4.0-3.0-2.5"),
        ("", "", ""),
    ],
)
def test_the_licences_of_commons_are_understood(short, code, name):
    assert read_licence({"LicenseShortName": {"value": short}}) == (code, name)


@pytest.mark.parametrize("licence", ["gfdl", "cc-by-nc-2.0", ""])
def test_a_file_of_another_licence_is_a_fault(site, licence):
    found = wiki(site).describe("foreground", "cat", wiki_file(1, licence))
    assert found.fault.startswith("licence not asked for: ")


def test_a_page_without_facts_is_a_fault(site):
    found = wiki(site).describe("foreground", "cat", {"title": "File:Lost.png"})
    assert (found.fault, found.url) == ("no address", "File:Lost.png")


def test_a_busy_wiki_is_asked_again(site):
    source = wiki(site)
    busy = {"error": {"code": "maxlag", "info": "Waiting for a database"}}
    site.answers["/w/api.php"] = [busy, busy, site.answers["/w/api.php"]]
    assert len(list(source.search("foreground", ["cat"], 99))) == 5


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": {"code": "badvalue", "info": "No\nsuch"}}, "commons: No such; run"),
        ({"error": {"code": "ratelimited", "info": "Too fast"}}, "commons: Too fast"),
        (b"<html>", "commons: the answer is not JSON"),
        (403, "commons: HTTP 403"),
    ],
)
def test_a_wiki_that_cannot_answer_is_one_clear_line(site, answer, message):
    source = wiki(site)
    site.answers["/w/api.php"] = answer
    with pytest.raises(SourceError, match=message):
        next(source.search("foreground", ["cat"], 5))


def test_a_search_that_finds_nothing_is_no_error(site):
    source = wiki(site)
    site.answers["/w/api.php"] = {"batchcomplete": True}
    assert list(source.search("foreground", ["cat"], 5)) == []
    assert (
        list(openverse(site, pages=0, page_size=0).search("foreground", ["x"], 5)) == []
    )
