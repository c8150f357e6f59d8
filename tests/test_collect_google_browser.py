"""The start of the browser for the source google, by a driver that is none."""

import time
from unittest.mock import MagicMock

import pytest

pytest.importorskip("google_images_download")
pytest.importorskip("selenium")


@pytest.fixture
def start_with(monkeypatch):
    """Gives a function that opens a page after some faults, and counts the starts."""
    from selenium import webdriver
    from selenium.common.exceptions import SessionNotCreatedException

    from scripts.collect import google_worker as worker

    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    def open_page(*faults):
        waiting, started = list(faults), []
        pauses.clear()

        def start(**_):
            started.append(1)
            if waiting:
                raise SessionNotCreatedException(waiting.pop(0))
            return MagicMock(page_source="the page")

        monkeypatch.setattr(webdriver, "Chrome", start)
        search = worker.Search("", lambda **_: None, lambda: None)
        try:
            found = search.download_extended_page("http://localhost", "/driver")
        except worker.SearchError as error:
            found = str(error).partition("; For doc")[0]  # Selenium's advice
        return found, len(started), [s for s in worker.PAUSES if s in pauses]

    return open_page


EXITED = "session not created: Chrome instance exited. Examine ChromeDriver verbose log"


def test_a_browser_that_exits_at_once_is_started_again(start_with, capsys):
    assert start_with() == ("the page", 1, [])
    assert start_with(EXITED) == ("the page", 2, [1])
    crashed = "session not created: DevToolsActivePort file doesn't exist"
    assert start_with(EXITED, crashed) == ("the page", 3, [1, 4])
    told, count, _ = start_with(EXITED, EXITED, EXITED)
    assert (told, count) == (f"no browser: {EXITED}", 3)


def test_a_browser_that_cannot_work_is_started_once(start_with, capsys):
    fault = "session not created: This version of ChromeDriver only supports version 9"
    assert start_with(fault) == (f"no browser: {fault}", 1, [])
