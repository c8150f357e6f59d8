"""The source `openverse`: openly licensed pictures of many sites, by one search.

It asks version 1 of the Openverse API without a key: 20 pictures a page, and only
the first 240 or so of a query, so that a large collection takes several queries.
"""

from collections.abc import Iterator

from scripts.collect.candidate import Candidate, SourceError
from scripts.collect.fetch import Fetcher, FetchError

API = "https://api.openverse.org/v1/images/"
PAGE_SIZE = 20  # the most that is given without a key
LAST_PAGE = 20  # the deepest page that is given
NAMES = {"cc0": "CC0-1.0", "pdm": "CC-PDM-1.0"}  # SPDX; the others are spelled out
FILTERS = {  # there is none for transparency: that is seen in the file
    "foreground": {"extension": "png,webp"},
    "background": {"extension": "jpg,jpeg", "category": "photograph"},
}


class OpenverseSource:
    """Offers what Openverse finds.

    Args:
        fetcher: Asks it.
        licences: Codes of those wanted: cc0, pdm, by, by-sa, by-nc, ...
        api: Address of its search for images.
    """

    name = "openverse"

    def __init__(self, fetcher: Fetcher, licences: list[str], api: str = API):
        self.fetcher, self.licences, self.api = fetcher, licences, api

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers the pictures found, a page of each query in turn.

        Raises:
            SourceError: If Openverse does not answer, or refuses to.
        """
        going_on = list(queries)
        for page in range(1, LAST_PAGE + 1):
            for query in tuple(going_on):
                answer = self.read_page(kind, query, page)
                for item in answer["results"]:
                    yield self.describe(kind, query, item)
                if page >= answer.get("page_count", 0) or not answer["results"]:
                    going_on.remove(query)

    def read_page(self, kind: str, query: str, page: int) -> dict:
        """Reads one page of results; a page too deep to be given has none."""
        parameters = {
            "q": query,
            "license": ",".join(self.licences),
            "page_size": PAGE_SIZE,
            "page": page,
            **FILTERS[kind],
        }
        try:
            answer = self.fetcher.read_json(self.api, parameters)
        except FetchError as error:
            if page > 1 and not error.temporary:
                return {"results": []}
            advice = "run again later" if error.temporary else "change the search"
            raise SourceError(f"openverse: {error}; {advice}") from error
        results = answer.get("results")
        if not isinstance(results, list) or not all(
            isinstance(item, dict) for item in results
        ):
            raise SourceError("openverse: an answer without results; run again later")
        return answer

    def describe(self, kind: str, query: str, item: dict) -> Candidate:
        """Says what Openverse tells of one picture."""
        code = str(item.get("license") or "").lower()
        version = item.get("license_version") or ""
        licence = NAMES.get(code, f"CC-{code}-{version}".upper() if code else "")
        fault = "" if item.get("url") else "no address"
        if code not in self.licences:
            fault = f"licence not asked for: {code or 'none'}"
        return Candidate(
            kind=kind,
            source=self.name,
            query=query,
            url=item.get("url") or f"openverse:{item.get('id', '')}",
            page=item.get("foreign_landing_url") or "",
            title=item.get("title") or "",
            creator=item.get("creator") or "",
            licence=licence,
            licence_url=item.get("license_url") or "",
            fault=fault,
        )
