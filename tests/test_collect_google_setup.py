"""What the source google needs: a driver, its package, a short folder for Chrome."""

import tempfile

import pytest

from scripts.collect import google, google_process
from scripts.collect.candidate import SourceError
from scripts.collect.google import GoogleSource


def test_a_short_tmpdir_is_kept_and_a_long_one_is_not(monkeypatch):
    short, long = ((google_process.LONGEST_PLACE + more) * "x" for more in (0, 1))
    for place, expected in ((short, short), (long, google_process.SHORT_PLACE)):
        monkeypatch.setattr(tempfile, "tempdir", place)
        assert google_process.find_place() == expected


def test_the_package_is_asked_for_if_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match="no google_images_download; pip install"):
        GoogleSource(tmp_path)


def test_the_driver_is_found_by_itself(tmp_path, monkeypatch):
    driver = tmp_path / "chromedriver"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    monkeypatch.setattr(google, "DRIVERS", [str(driver)])
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("SE_CHROMEDRIVER", raising=False)
    assert google.find_chromedriver(None) == driver
    monkeypatch.setattr(google, "DRIVERS", [])
    with pytest.raises(SourceError, match="no chromedriver; install chromium"):
        google.find_chromedriver(None)
    monkeypatch.setenv("SE_CHROMEDRIVER", str(driver))
    assert google.find_chromedriver(None) == driver
    monkeypatch.setenv("SE_CHROMEDRIVER", "/nowhere")
    with pytest.raises(SourceError, match="SE_CHROMEDRIVER: no program /nowhere; inst"):
        google.find_chromedriver(None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert google.find_chromedriver(driver) == driver
