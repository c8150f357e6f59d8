"""The classical solvers of the benchmark: what they are given, and when they fail."""

import numpy as np
import pytest

from scripts.measure import methods, table
from scripts.measure.photographs import read_photograph

pymatting = pytest.importorskip("pymatting")


def test_a_failing_solver_is_retried_and_the_note_says_so(photographs):
    case = read_photograph(photographs, "GT01", "Trimap1")

    def estimate(image, levels, stubborn=True):
        assert image.dtype == levels.dtype == np.float64
        assert set(np.unique(levels)) == {0, 0.5, 1}
        if stubborn:
            raise ValueError("insufficient positive-definiteness")
        return levels

    attempts = {"": {}, "another way": {"stubborn": False}}
    matte = methods.solve(estimate, attempts, case.image, case.trimap)
    assert matte.note == "another way"
    with pytest.raises(ValueError, match="no attempt succeeded, got: insufficient"):
        methods.solve(estimate, {"": {}}, case.image, case.trimap)
    row = {"trimap": "T", "photograph": "P", "method": "m", "note": "another way"}
    rows = [row, row | {"photograph": "Q"}, row | {"note": ""}]
    assert table.list_notes(rows) == ["m, another way: T P, T Q"]


@pytest.mark.parametrize("broken", ["first", "shifted"])
def test_closed_form_survives_a_failing_cholesky(photographs, monkeypatch, broken):
    case = read_photograph(photographs, "GT01", "Trimap1")
    expected = methods.run_closed_form(case.image, case.trimap)
    real = pymatting.estimate_alpha_cf

    def estimate(image, levels, preconditioner=None):
        if preconditioner is None or (
            broken == "shifted" and preconditioner is not pymatting.jacobi
        ):
            raise ValueError("insufficient positive-definiteness")
        return real(image, levels, preconditioner=preconditioner)

    monkeypatch.setattr(pymatting, "estimate_alpha_cf", estimate)
    matte = methods.run_closed_form(case.image, case.trimap)
    assert ("Jacobi" if broken == "shifted" else "Cholesky") in matte.note
    assert np.abs(matte.alpha - expected.alpha).max() < 1e-2


def test_a_retry_inside_pymatting_is_noted_and_kept_off_stdout(photographs, capsys):
    case = read_photograph(photographs, "GT01", "Trimap1")

    def estimate(image, levels):
        print("failed due to insufficient positive-definiteness of matrix A")
        return levels

    matte = methods.solve(estimate, {"": {}}, case.image, case.trimap)
    assert matte.note == "Cholesky shifted by pymatting itself"
    assert capsys.readouterr().out == ""
