"""The source `google`: Google Images, by the package google_images_download.

The package drives a headless Chrome through Selenium: 20 to 60 seconds for a query,
then one picture after another. It says nothing about licences, so neither do the
candidates: what it finds is for experiments, not for handing on. It sends the name of
another browser, and Google's robots.txt and terms do not welcome automated searches;
that is for the user to decide, hence it is never the default source.

The package ends the process with exit code 0 when there is no browser, prints its
errors, and can hang for good. So it runs in a process of its own (`google_worker.py`),
in a work directory: there it may exit, print and be killed, with its browser, when it
is silent for too long, when no more is wanted, or when this process dies.
"""

import contextlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from scripts.collect.candidate import Candidate, SourceError
from scripts.collect.google_process import Worker

COLOR_TYPES = ("full-color", "black-and-white", "transparent")
USUAL_COLOR_TYPES = {"foreground": "transparent", "background": "full-color"}
# The package knows more sizes; for those it asks in a way that Google ignores.
SIZES = ("large", "medium", "icon")
DRIVERS = (  # where distributions put it; PATH comes first
    "/usr/bin/chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
    "/snap/bin/chromium.chromedriver",
)
ALL = 10**6  # pictures, more than a page shows
LOG = "google_images_download.log"
INSTALL = "install chromium and chromium-driver (apt install chromium chromium-driver)"
OTHERS = "search later or elsewhere, or use --source openverse or commons"


class GoogleSource:
    """Searches Google Images and downloads what it shows.

    Args:
        directory: Work directory; originals stay here and are not downloaded again.
        chromedriver: The driver's executable; None to find it.
        color_type: One of COLOR_TYPES; None for transparent foregrounds and
            full-color backgrounds.
        size: One of SIZES.
        page_url: A page to use instead of Google's; "" for Google.
        timeout: Seconds without a sign of life before a search is given up.

    Raises:
        SourceError: If the package, the driver or the filter is not there.
    """

    name = "google"

    def __init__(
        self,
        directory: Path,
        chromedriver: Path | None = None,
        color_type: str | None = None,
        size: str = "medium",
        page_url: str = "",
        timeout: float = 180,
    ):
        for module in ("google_images_download", "selenium"):
            if importlib.util.find_spec(module) is None:
                raise SourceError(f"google: no {module}; pip install -e '.[download]'")
        check_choice("--color-type", color_type, (None, *COLOR_TYPES))
        check_choice("--size", size, SIZES)
        self.directory = directory.resolve()
        self.chromedriver = find_chromedriver(chromedriver)
        self.color_type, self.size = color_type, size
        self.page_url, self.timeout = page_url, timeout

    def search(self, kind: str, queries: list[str], limit: int) -> Iterator[Candidate]:
        """Offers all pictures of each query's page, each downloaded when it is wanted.

        A picture has no `path` if its host was busy: then it is to be fetched as other
        sources' are. Whoever asks stops when there are enough that are usable.

        Raises:
            SourceError: If there is no browser, no answer, or no picture at all.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        found = 0
        for query in queries:
            events = self._run(kind, query)
            with contextlib.closing(events):
                for event in events:
                    found += 1
                    yield self._describe(kind, query, event)
        if queries and not found:
            raise SourceError(
                f"google: no picture for {', '.join(map(repr, queries))}; see the "
                f"pages kept in {self.directory}, or use --source openverse or commons"
            )

    def _describe(self, kind: str, query: str, event: dict) -> Candidate:
        """Makes a candidate of what the worker reports."""
        return Candidate(
            kind=kind,
            source=self.name,
            query=query,
            url=event["url"],
            page=event["page"],
            title=event["title"],
            path=self.directory / event["path"] if event["path"] else None,
            fault="" if event["again"] else event["fault"],
        )

    def _run(self, kind: str, query: str) -> Iterator[dict]:
        """Yields the pictures that one run of the package reports."""
        kept_page = "page-" + re.sub(r"\W+", "-", query)[:60] + ".html"
        arguments = {
            # the package takes a comma for the end of a query
            "keywords": " ".join(query.replace(",", " ").split()),
            "color_type": self.color_type or USUAL_COLOR_TYPES[kind],
            "size": self.size,
            "limit": ALL,
            "output_directory": ".",
            "no_directory": True,
            "chromedriver": str(self.chromedriver),
        }
        options = {"arguments": arguments, "directory": str(self.directory)}
        options |= {"page_url": self.page_url, "kept_page": kept_page}
        count = 0
        with Worker(options, self.directory / LOG) as worker:
            while (event := self._next_event(worker, query))["event"] != "end":
                count += 1
                yield event
                worker.go_on()
        if event["fault"]:
            raise SourceError(explain(event["fault"], self.chromedriver))
        if not count and event["obstacle"]:
            raise SourceError(f"google: shows {event['obstacle']}; {OTHERS}")

    def _next_event(self, worker: Worker, query: str) -> dict:
        """Waits for what the worker reports next."""
        try:
            return worker.next_event(self.timeout)
        except TimeoutError:
            what = f"nothing happens for {self.timeout:g} s, searching for {query!r}"
            raise SourceError(f"google: {what}; {OTHERS}") from None
        except EOFError:
            log = self.directory / LOG
            lines = log.read_text("utf-8", "replace").splitlines()
            said = next((line for line in reversed(lines) if line.strip()), "")
            what = f"google_images_download broke down, got {said.strip()[:200]!r}"
            raise SourceError(f"google: {what}; see {log}") from None


def check_choice(flag: str, value: str | None, choices: tuple) -> None:
    """Raises SourceError if an option has none of its values."""
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise SourceError(f"{flag}: got {value!r}; choose from {known}")


def find_chromedriver(given: Path | None) -> Path:
    """Finds the driver: as given, by SE_CHROMEDRIVER, in PATH, or where it usually is.

    Raises:
        SourceError: If it is not there.
    """
    usual = [shutil.which("chromedriver"), *DRIVERS]
    usual = [Path(path) for path in usual if path and os.access(path, os.X_OK)]
    variable = os.environ.get("SE_CHROMEDRIVER")
    named = {"--chromedriver": given, "SE_CHROMEDRIVER": variable}
    for name, path in named.items():
        if not path:
            continue
        if Path(path).is_file() and os.access(path, os.X_OK):
            return Path(path).absolute()
        advice = f"leave it out, there is {usual[0]}" if usual else INSTALL
        raise SourceError(f"{name}: no program {path}; {advice}")
    if not usual:
        raise SourceError(f"google: no chromedriver; {INSTALL} or use --chromedriver")
    return usual[0].absolute()


def explain(fault: str, chromedriver: Path) -> str:
    """Says what to do about a failure of the browser."""
    if fault.startswith("no browser"):
        advice = f"see that Chrome has the version of {chromedriver}, or {INSTALL}"
    else:
        advice = "see whether the address opens in a browser of this machine"
    return f"google: {fault}; {advice}"
