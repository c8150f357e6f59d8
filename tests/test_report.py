import numpy as np
import pytest

from model import report


def test_previews_are_small_and_errors_are_signed():
    assert len(report.data_uri(np.zeros((900, 1200, 3), np.float32))) < 10_000
    true, pred = np.float32([[0, 1, 0.5, 1]]), np.float32([[1, 0, 0.5, 0]])
    picture = report.draw_error(true, pred, np.uint8([[128, 128, 128, 255]]))
    assert picture[0].tolist() == [[1, 0, 0], [0, 0, 1], [1, 1, 1]] + [
        [pytest.approx(0.85)] * 3
    ]


def test_a_page_needs_nothing_but_itself_and_escapes_what_it_shows():
    figure = report.figure_html({"a<b": (np.zeros((4, 4, 3), np.float32),)})
    lines = [["trimap", "method"], ["Trimap1", "x & y"]]
    page = report.page_html("title <1>", lines, ["remark > 2"], [figure])
    assert "title &lt;1&gt;" in page and "x &amp; y" in page and "a&lt;b" in page
    assert "remark &gt; 2" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert "http" not in page
