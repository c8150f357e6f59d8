"""Runs google_images_download for one query; started by `google_process.py`.

It reads one line of JSON options from stdin, then a line for each further picture
that is wanted; the end of stdin kills it and its browser. It writes a line of JSON
for each picture to stdout, and one for the end. What the package and the browser
print goes to stderr.

The package opens the page, finds pictures in it and downloads them; the class below
changes only how that fails. Addresses are repaired before they are asked for, so a
space does not end the run. Files get short names of their own, what is no picture is
no success, and a picture that takes too long is given up. Pictures whose addresses
the package's pattern does not see (`.PNG`, no ending) are downloaded like the others.
"""

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path

from google_images_download import google_images_download as package
from PIL import Image
from selenium.common.exceptions import SessionNotCreatedException, WebDriverException

from scripts.collect.google_page import find_obstacle, list_pictures, repair_url

SEARCH_URL = "https://www.google.com/search"  # how the addresses of the package begin
SILENCE = 15  # seconds that a host may let wait for the next bytes
LONGEST = 60  # seconds that one picture may take
LARGEST = 50_000_000  # bytes of one picture
AHEAD = 2  # pictures downloaded before they are wanted
PAUSES = (1, 4)  # seconds before each further attempt to start the browser
BUSY = re.compile(  # faults worth another attempt
    r"HTTP Error (408|425|429|500|502|503|504)\b|IncompleteRead|reset by|end closed"
)
FALSE_START = re.compile(  # what a busy machine does to a browser that works
    r"instance exited|DevToolsActivePort|crashed|not reachable|renderer|cannot connect"
)


class SearchError(Exception):
    """The browser or the page cannot be had; the message is one line."""


class Search(package.googleimagesdownload):
    """One search whose failures can be seen.

    Args:
        page_url: Address to use instead of Google's search page; "" for Google.
        report: Called with each event as keyword arguments.
        wait: Called before each picture; returns when it is wanted.
    """

    def __init__(self, page_url, report, wait):
        super().__init__()
        self.page_url, self.report, self.wait = page_url, report, wait
        self.page = ""  # its source
        self.told: dict[str, tuple[str, str]] = {}  # page and title by written address
        self.asked: set[str] = set()  # addresses
        self.pool = ThreadPoolExecutor(64)  # one thread, and one for each given up

    def build_search_url(self, *arguments):
        """Leads to another page, as tests wish; the query stays as it is."""
        url = super().build_search_url(*arguments)
        return url.replace(SEARCH_URL, self.page_url, 1) if self.page_url else url

    def download_extended_page(self, url, chromedriver):
        """Opens the page in Chrome, which may need several attempts to start.

        Raises:
            SearchError: Where the package just exits.
        """
        for pause in (*PAUSES, None):
            try:
                self.page = super().download_extended_page(url, chromedriver)
                break
            except SystemExit as error:  # raised while handling what really happened
                if pause is None or not is_false_start(error.__context__):
                    fault = one_line(error.__context__)
                    raise SearchError(f"no browser: {fault}") from error
                time.sleep(pause)
            except WebDriverException as error:
                raise SearchError(
                    f"the search page fails: {one_line(error)}"
                ) from error
        self.told = list_pictures(self.page)
        return self.page

    def _get_all_items(self, page, main_directory, dir_name, limit, arguments):
        """Downloads what the package sees in the page, then what it overlooks."""
        parts = super()._get_all_items(page, main_directory, dir_name, limit, arguments)
        for written in self.told:
            self.download_image(written)
        return parts

    def download_image(self, image_url, *_):
        """Downloads one picture if it is new, and reports what became of it."""
        page, title = self.told.get(image_url, ("", ""))
        url, path, fault = image_url, None, ""
        try:
            url = repair_url(image_url)
        except ValueError:
            fault = "not an address that can be asked for"
        if url in self.asked:
            return "fail", "asked for before", "", ""
        self.asked.add(url)
        self.wait()
        if not fault:
            stem = hashlib.sha256(url.encode()).hexdigest()[:20]
            path = next(Path().glob(f"{stem}.*"), None)
            if path is None:
                path, fault = self.save(url, stem)
        told = {"url": url, "page": page, "title": title, "fault": fault}
        told["path"] = str(path) if path else ""
        self.report(event="picture", again=bool(BUSY.search(fault)), **told)
        if fault:
            return "fail", fault, "", ""
        return "success", f"{path} <- {url}", path.name, str(path.absolute())

    def save(self, url: str, stem: str) -> tuple[Path | None, str]:
        """Has the package save an address; returns the file, or None and the reason.

        The package names a file by what follows the last slash. A fragment is not
        sent to the host, so the name can be chosen there.
        """
        part = Path(f"part-{stem}.png")
        values = dict.fromkeys(("print_urls", "prefix", "print_size", "no_download"))
        values |= dict.fromkeys(("save_source", "thumbnail_only", "format"))
        values |= {"count": 0, "img_src": "", "silent_mode": True, "ignore_urls": None}
        download = self.pool.submit(
            super().download_image,
            image_url=f"{url}#/{part}",
            image_format="png",
            main_directory=".",
            dir_name=".",
            socket_timeout=SILENCE,
            no_numbering=True,
            **values,
        )
        try:
            status, message, _, _ = download.result(LONGEST)
        except TooSlow:
            return None, f"too slow, over {LONGEST} s"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return None, one_line(error)
        if status != "success":
            return None, one_line(message.partition("Error: ")[2] or message)
        suffix, fault = identify(part)
        if fault:
            part.unlink(missing_ok=True)
            return None, fault
        return part.rename(f"{stem}.{suffix}"), ""


class LimitedResponse:
    """A response as the package uses it, but not of any size."""

    def __init__(self, response):
        self.response = response
        self.close = response.close

    def read(self) -> bytes:
        """Reads it all; raises OSError if that is too much or less than promised."""
        with self.response as response:
            data = response.read(LARGEST + 1)
            if len(data) > LARGEST:
                raise OSError(f"too large, over {LARGEST} bytes")
            if response.length:  # bytes still to come
                raise http.client.IncompleteRead(data, response.length)
        return data


def identify(path: Path) -> tuple[str, str]:
    """Tells a picture by its content: its format, or "" and what is wrong."""
    try:
        with Image.open(path) as picture:
            return picture.format.lower(), ""
    except FileNotFoundError:
        return "", "the package did not save it"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        with open(path, "rb") as file:
            start = file.read(40).decode("ascii", "replace")
        return "", f"not a picture, begins with {' '.join(start.split())!r}"


def is_false_start(error: BaseException | None) -> bool:
    """Says whether a browser that did not start may do so when it is tried again."""
    is_session = isinstance(error, SessionNotCreatedException)
    return is_session and bool(FALSE_START.search(str(error)))


def one_line(message: object) -> str:
    """Shortens a message of the package, of Python or of Selenium to its first line."""
    lines = [line for line in str(message).splitlines() if line.strip()] or [""]
    line = lines[0].removeprefix("Message: ").removeprefix("<urlopen error ")
    return " ".join(line.split())[:300].strip("<> ") or type(message).__name__


def watch(wanted: threading.Semaphore) -> None:
    """Lets pictures through as stdin says; ends everything with stdin."""
    for _ in sys.stdin:
        wanted.release()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # Chrome's profile
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Searches as stdin says; never returns, threads may hang."""
    options = json.loads(sys.stdin.readline())
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wanted = threading.Semaphore(AHEAD)
    threading.Thread(target=watch, args=[wanted], daemon=True).start()
    os.chdir(options["directory"])
    for path in Path().glob("part-*"):
        path.unlink()
    urlopen = package.urlopen
    package.urlopen = lambda *values: LimitedResponse(urlopen(*values))

    def report(**event):
        events.write(json.dumps(event) + "\n")
        events.flush()

    search = Search(options["page_url"], report, wanted.acquire)
    try:
        search.download(options["arguments"])
        if not search.asked:
            Path(options["kept_page"]).write_text(search.page, "utf-8")
        report(event="end", obstacle=find_obstacle(search.page), fault="")
    except SearchError as error:
        report(event="end", obstacle="", fault=str(error))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
