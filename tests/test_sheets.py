"""scripts/measure/sheets.py: where a sheet looks closer."""

import numpy as np

from model import matting
from scripts.measure import sheets
from scripts.measure.case import Case


def test_the_worst_place_is_where_the_unknown_pixels_are_wrong():
    truth = np.zeros((300, 400), np.float32)
    trimap = np.full(truth.shape, matting.UNKNOWN, np.uint8)
    trimap[:, 300:] = matting.BACKGROUND
    alpha = truth.copy()
    alpha[200:230, 50:80] = 0.5
    alpha[:60, 300:] = 1  # known, so it does not count
    case = Case({}, np.zeros((300, 400, 3), np.float32), trimap, truth, None)
    rows, columns = sheets.find_worst(case, alpha)
    assert rows.start <= 200 and rows.stop >= 230
    assert columns.start <= 50 and columns.stop >= 80
    assert rows.stop - rows.start == columns.stop - columns.start == sheets.WINDOW


def test_an_error_at_the_border_counts_once():
    truth = np.zeros((300, 300), np.float32)
    trimap = np.full(truth.shape, matting.UNKNOWN, np.uint8)
    alpha = truth.copy()
    alpha[:40, :40] = 0.5
    alpha[150:210, 150:210] = 0.5
    case = Case({}, np.zeros((300, 300, 3), np.float32), trimap, truth, None)
    rows, columns = sheets.find_worst(case, alpha)
    assert rows.start <= 150 and rows.stop >= 210
    assert columns.start <= 150 and columns.stop >= 210
