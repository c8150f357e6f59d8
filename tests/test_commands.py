"""scripts/measure/commands.py: whole commands, timed."""

import functools

from scripts.measure import commands, ending


def test_whole_commands_are_timed_without_the_peer_too(monkeypatch):
    monkeypatch.setattr(commands, "REPEATS", 1)
    monkeypatch.setattr(commands, "COMMANDS", {"quick": ("-c", "pass")})
    (row,) = commands.measure_commands(["checkpoint"], is_quiet=True)
    assert row["command"] == "quick" and row["seconds"] > 0 and row["ratio"] is None
    assert commands.lay_out([row])[1][::2] == ["quick", "-"]


def test_a_command_that_fails_is_no_wrong_option(monkeypatch, capsys):
    monkeypatch.setattr(commands, "COMMANDS", {"bad": ("-c", "raise KeyError(1)")})
    measure = functools.partial(commands.measure_commands, ["checkpoint"])
    assert ending.end("measure", measure) == 1
    assert capsys.readouterr().err == "measure: bad: failed, KeyError: 1\n"
