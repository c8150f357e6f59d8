"""The source `commons`: the files of Wikimedia Commons, or of another MediaWiki.

It asks the wiki's own search for the media type that fits, and for what the pages
say of author and licence. Cut-outs are taken as uploaded, photographs in a width
that the wiki keeps at hand, since originals are often many times too large.
"""

import html
import re
from collections.abc import Iterator

from scripts.collect.candidate import Candidate, SourceError
from scripts.collect.fetch import Fetcher, FetchError

API = "https://commons.wikimedia.org/w/api.php"
PAGE_SIZE = 50  # the most for which a search gives file facts without an account
PHOTOGRAPH_WIDTH = 1920  # pixels, one of the widths that Wikimedia keeps at hand
TYPES = {"foreground": "png", "background": "jpeg"}  # what filemime: looks for
FACTS = "Artist|LicenseShortName|License|LicenseUrl|ObjectName"
BUSY = {"maxlag", "ratelimited", "readonly"}  # errors that pass
ATTEMPTS = 4


class CommonsSource:
    """Offers what Wikimedia Commons finds.

    Args:
        fetcher: Asks it.
        licences: Codes of those wanted: cc0, pdm, by, by-sa, by-nc, ...
        api: Address of the wiki's api.php.
    """

    name = "commons"

    def __init__(self, fetcher: Fetcher, licences: list[str], api: str = API):
        self.fetcher, self.licences, self.api = fetcher, licences, api

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers the files found, a page of each query in turn.

        Raises:
            SourceError: If the wiki does not answer, or refuses to.
        """
        following = {query: {} for query in queries}
        while following:
            for query, token in tuple(following.items()):
                answer = self.ask({**self.parameters(kind, query), **token})
                for page in list_pages(answer):
                    yield self.describe(kind, query, page)
                if isinstance(answer.get("continue"), dict):
                    following[query] = answer["continue"]
                else:
                    del following[query]

    def parameters(self, kind: str, query: str) -> dict[str, str | int]:
        """Gives the parameters of a search for files and the facts about them."""
        parameters = {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "generator": "search",
            "gsrsearch": f"{query} filetype:bitmap filemime:{TYPES[kind]}",
            "gsrnamespace": 6,
            "gsrlimit": PAGE_SIZE,
            "prop": "imageinfo",
            "iiprop": "url|mime|size|sha1|extmetadata",
            "iiextmetadatafilter": FACTS,
        }
        if kind == "background":
            parameters["iiurlwidth"] = PHOTOGRAPH_WIDTH
        return parameters

    def ask(self, parameters: dict) -> dict:
        """Asks the wiki, and again if it says in an answer that it is busy."""
        for attempt in range(ATTEMPTS):
            try:
                answer = self.fetcher.read_json(self.api, parameters)
            except FetchError as error:
                raise SourceError(f"commons: {error}; run again later") from error
            error = answer.get("error")
            if not isinstance(error, dict):
                return answer
            if error.get("code") not in BUSY:
                break
            self.fetcher.wait_again(attempt)
        reason = " ".join(str(error.get("info", error.get("code"))).split())[:200]
        raise SourceError(f"commons: {reason}; run again later")

    def describe(self, kind: str, query: str, page: dict) -> Candidate:
        """Says what the wiki tells of one file."""
        facts = (page.get("imageinfo") or [{}])[0]
        told = facts.get("extmetadata") or {}
        code, licence = read_licence(told)
        address = facts.get("url", "")
        if kind == "background":
            address = facts.get("thumburl") or address
        fault = "" if address else "no address"
        if address and code not in self.licences:
            fault = f"licence not asked for: {licence or 'unknown'}"
        title = str(page.get("title", ""))
        return Candidate(
            kind=kind,
            source=self.name,
            query=query,
            url=address or title,
            page=facts.get("descriptionurl", ""),
            title=read_fact(told, "ObjectName") or title.partition(":")[2],
            creator=read_fact(told, "Artist"),
            licence=licence,
            licence_url=read_fact(told, "LicenseUrl"),
            fault=fault,
        )


def list_pages(answer: dict) -> list[dict]:
    """Lists the pages of an answer in the order of the search."""
    query = answer.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    pages = [page for page in pages or [] if isinstance(page, dict)]
    return sorted(pages, key=lambda page: page.get("index", 0))


def read_fact(told: dict, name: str) -> str:
    """Reads one fact of a page, which is HTML, as plain text.

    >>> read_fact({"Artist": {"value": "<a href='#'>A &amp; B</a>"}}, "Artist")
    'A & B'
    """
    fact = told.get(name)
    text = fact.get("value", "") if isinstance(fact, dict) else ""
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", str(text))).split())


def read_licence(told: dict) -> tuple[str, str]:
    """Reads a licence's code, as Openverse writes it, and its SPDX name.

    >>> read_licence({"LicenseShortName": {"value": "CC BY-SA 3.0 de"}})
    ('by-sa', 'CC-BY-SA-3.0-DE')
    >>> read_licence({"License": {"value": "gfdl"}})
    ('', 'gfdl')
    """
    names = [read_fact(told, name) for name in ("License", "LicenseShortName")]
    for name in names:
        if re.match(r"cc[ -]?0|cc[ -]zero", name, re.IGNORECASE):
            return "cc0", "CC0-1.0"
        if name.lower() in ("pd", "public domain"):
            return "pdm", "public-domain"
        pattern = r"cc[ -](by(?:-nc)?(?:-sa|-nd)?)[ -](\d\.\d)(?:[ -]([a-z]{2,3}))?$"
        match = re.match(pattern, name.lower())
        if match:
            parts = ["CC", *(part for part in match.groups() if part)]
            return match[1], "-".join(parts).upper()
    return "", names[0] or names[1]
