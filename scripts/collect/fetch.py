"""Fetches files from the web as a guest who wants to be let in again.

An address goes in, its bytes come out. Every request says who asks and how to
reach them, each host is left some time between two requests, robots.txt and the
X-Robots-Tag header are obeyed. A host that names a time by Retry-After is asked again,
for this or any other address, only after it: up to two minutes are waited out, and
until a longer time is over every request to that host fails at once.
REQUESTS_CA_BUNDLE and the proxy variables are honoured.
"""

import json
import time
from urllib.parse import urljoin, urlsplit

import requests
from protego import Protego
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from scripts.collect.candidate import SourceError

ROBOT = "matting-download"  # the name by which robots.txt may address this program
FORBIDDING = {"noai", "noimageai", "noindex", "noimageindex", "none"}  # X-Robots-Tag
BUSY = {408, 425, 429, 500, 502, 503, 504}  # answers worth another attempt
REDIRECTS = {301, 302, 303, 307, 308}
LONGEST_CHAIN = 5  # redirects followed
LONGEST_WAIT = 120  # seconds of Retry-After that are waited out
LONGEST_WISH = 21_600  # seconds for which Retry-After may close a host
LONGEST_CRAWL_DELAY = 30  # seconds between two requests that robots.txt may ask for
LONGEST_TRANSFER = 300  # seconds that one body may take
LOST = 60  # seconds for which a host that could not be reached is not asked again
LOST_HOSTS = 3  # so many of them in a row mean that there is no network
CHUNK = 2**16  # bytes


class FetchError(ValueError):
    """One address could not be fetched.

    Attributes:
        temporary: Whether another run may have more luck.
        status: HTTP status of the answer, 0 if there was none.
        wait: Seconds that the host wants to be left alone.
    """

    def __init__(
        self, message: str, temporary: bool = False, status: int = 0, wait: float = 0
    ):
        super().__init__(message)
        self.temporary, self.status, self.wait = temporary, status, wait


class Fetcher:
    """Fetches addresses one after another.

    Args:
        agent: The User-Agent header; it says how to reach whoever runs this.
        delay: Seconds between two requests to one host.
        largest: Bytes that a file may have.
        attempts: How often a busy or silent host is asked.
        backoff: Seconds before the second attempt, doubled before each further one.
        timeout: Seconds to wait for a connection, and for each piece of the answer.
    """

    def __init__(
        self,
        agent: str,
        delay: float = 1.0,
        largest: int = 50_000_000,
        attempts: int = 4,
        backoff: float = 1.0,
        timeout: float = 30.0,
    ):
        self.delay, self.largest, self.attempts = delay, largest, attempts
        self.backoff, self.timeout = backoff, timeout
        self._session = requests.Session()
        self._session.headers["User-Agent"] = agent
        self._rules: dict[str, Protego] = {}  # by scheme and host
        self._free_at: dict[str, float] = {}  # by host: time of the next turn
        self._lost_until: dict[str, float] = {}  # by host: time of another attempt
        self._closed: dict[
            str, tuple[float, float]
        ] = {}  # by host: pause in s, its end
        self._lost_in_a_row = 0  # hosts, since the last answer of any

    def fetch(self, url: str) -> bytes:
        """Fetches a file if its host allows that.

        Raises:
            FetchError: If this address cannot be had.
            SourceError: If there seems to be no network at all.
        """
        headers, body = self._follow(url, None, obey=True)
        tags = headers.get("X-Robots-Tag", "").lower().replace(":", ",").split(",")
        forbidding = FORBIDDING & {tag.strip() for tag in tags}
        if forbidding:
            raise FetchError(f"forbidden by X-Robots-Tag {min(forbidding)}")
        return body

    def read_json(self, url: str, parameters: dict) -> dict:
        """Asks a programming interface; robots.txt is not meant for those.

        Raises:
            FetchError: If it does not answer, or not with a JSON object.
            SourceError: If there seems to be no network at all.
        """
        _, body = self._follow(url, parameters, obey=False)
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise FetchError("the answer is not JSON", True) from error
        if not isinstance(answer, dict):
            raise FetchError("the answer is not a JSON object", True)
        return answer

    def wait_again(self, attempt: int, at_least: float = 0) -> None:
        """Waits after a failed attempt; the first is number 0."""
        time.sleep(max(at_least, self.backoff * 2**attempt))

    def _follow(self, url: str, parameters: dict | None, obey: bool):
        """Follows redirects; returns headers and body of their end."""
        for _ in range(LONGEST_CHAIN + 1):
            scheme, host = split_address(url)
            if obey:
                self._check_rules(f"{scheme}://{host}", url)
            status, headers, body = self._ask(url, host, parameters)
            if status not in REDIRECTS:
                return headers, body
            url, parameters = urljoin(url, headers.get("Location", "")), None
        raise FetchError(f"more than {LONGEST_CHAIN} redirects")

    def _check_rules(self, site: str, url: str) -> None:
        """Reads a site's robots.txt once; raises FetchError if it forbids the url.

        A site without one allows all, one whose rules cannot be read now allows
        nothing now (RFC 9309, 2.3.1.3 and 2.3.1.4).
        """
        if site not in self._rules:
            try:
                _, body = self._follow(f"{site}/robots.txt", None, obey=False)
            except FetchError as error:
                if error.temporary and error.status or error.status >= 500:
                    raise FetchError(f"robots.txt: {error}", True) from error
                if error.temporary:
                    raise
                body = b""
            self._rules[site] = Protego.parse(body.decode("utf-8-sig", "replace"))
        if not self._rules[site].can_fetch(url, ROBOT):
            raise FetchError("forbidden by robots.txt")

    def _ask(
        self, url: str, host: str, parameters: dict | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Makes one request, and again while the host is busy or silent."""
        if time.monotonic() < self._lost_until.get(host, 0):
            raise FetchError(f"{host} cannot be reached", True)
        pause, end = self._closed.get(host, (0, 0))
        if time.monotonic() < end:
            raise FetchError(f"{host} asked for a pause of {pause:.0f} s", True)
        for attempt in range(self.attempts):
            self._wait_for_turn(host)
            problem, is_lost = None, False
            try:
                answer = self._ask_once(url, parameters)
                self._lost_in_a_row = 0
                return answer
            except FetchError as error:
                problem = error
            except (requests.RequestException, HTTPError, ValueError) as error:
                problem, is_lost = explain(error, host)
            finally:
                self._leave_alone(
                    host, self._pause(url), problem.wait if problem else 0
                )
            if not problem.temporary or problem.wait > LONGEST_WAIT:
                break
            if attempt + 1 < self.attempts:
                self.wait_again(attempt, problem.wait)
        if is_lost:
            self._lost_until[host] = time.monotonic() + LOST
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= LOST_HOSTS:
                raise SourceError(f"no network: {problem}; run again when there is")
        raise problem

    def _ask_once(
        self, url: str, parameters: dict | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Makes one request; returns status, headers and body."""
        started = time.monotonic()
        with self._session.get(
            url,
            params=parameters,
            timeout=self.timeout,
            stream=True,
            allow_redirects=False,
        ) as response:
            status, headers = response.status_code, response.headers
            if status >= 400:
                wait, message = retry_after(headers), f"HTTP {status}"
                if wait > LONGEST_WAIT:
                    message += f", asks to wait {wait:.0f} s"
                elif detail := read_detail(response):
                    message += f", {detail}"
                raise FetchError(message, status in BUSY, status, wait)
            pieces, size = [], 0
            # what is there, not a full piece: a slow body shall not hide its time
            while piece := response.raw.read1(CHUNK, decode_content=True):
                pieces.append(piece)
                size += len(piece)
                if size > self.largest:
                    raise FetchError(f"too large, over {self.largest} bytes")
                if time.monotonic() - started > LONGEST_TRANSFER:
                    raise FetchError(f"too slow, over {LONGEST_TRANSFER} s", True)
        return status, headers, b"".join(pieces)

    def _leave_alone(self, host: str, pause: float, wish: float) -> None:
        """Notes when a host may be asked again: after our pause and its own wish."""
        now = time.monotonic()
        if wish > LONGEST_WAIT:
            self._closed[host] = wish, now + wish
        else:
            pause = max(pause, wish)
        self._free_at[host] = now + pause

    def _wait_for_turn(self, host: str) -> None:
        """Leaves the host its pause since the request before."""
        time.sleep(max(0, self._free_at.get(host, 0) - time.monotonic()))

    def _pause(self, url: str) -> float:
        """Gives the seconds to leave a host alone, as robots.txt may wish."""
        parts = urlsplit(url)
        rules = self._rules.get(f"{parts.scheme}://{parts.netloc}")
        wish = rules.crawl_delay(ROBOT) if rules else None
        return max(self.delay, min(float(wish or 0), LONGEST_CRAWL_DELAY))


def split_address(url: str) -> tuple[str, str]:
    """Gives scheme and host of a web address; raises FetchError of any other."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as http://[bad/
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        raise FetchError(f"not a web address, got {url[:200]!r}")
    return parts.scheme, parts.netloc


def retry_after(headers: dict[str, str]) -> float:
    """Reads the seconds of a Retry-After header, be it a number or a date."""
    try:
        seconds = Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, InvalidHeader, ValueError, OverflowError):
        return 0
    return min(seconds, LONGEST_WISH)


def read_detail(response: requests.Response) -> str:
    """Reads the `detail` by which a programming interface explains a refusal."""
    if "json" not in response.headers.get("Content-Type", ""):
        return ""
    try:
        answer = json.loads(next(response.iter_content(CHUNK), b""))
    except (requests.RequestException, ValueError):
        return ""
    detail = answer.get("detail", "") if isinstance(answer, dict) else ""
    return " ".join(str(detail).split())[:200]


def explain(error: Exception, host: str) -> tuple[FetchError, bool]:
    """Says in one line why there is no answer, and whether the host is out of reach."""
    if isinstance(error, requests.exceptions.SSLError):
        return FetchError(f"{host} has no valid certificate"), False
    if isinstance(error, requests.Timeout):
        is_lost = isinstance(error, requests.exceptions.ConnectTimeout)
        return FetchError(f"{host} does not answer in time", True), is_lost
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectionError) and reason is not None:
        return FetchError(f"{host} cannot be reached", True), True
    if isinstance(
        error,
        requests.ConnectionError | requests.exceptions.ChunkedEncodingError | HTTPError,
    ):
        return FetchError(f"{host} broke off", True), False
    # a redirect to http://[bad/ is a plain ValueError
    reason = str(error) if type(error) is ValueError else type(error).__name__
    return FetchError(f"cannot be asked for ({reason})"), False
