"""The bar: what it shows on a terminal, and that it shows nothing where there is none."""

import io

import pytest

from emqs.runs import progress


def test_a_bar_shows_how_much_is_done(terminal: io.StringIO) -> None:
    with progress.advancing("embed", 8, "{task.completed:,.0f} of {task.total:,.0f}") as advance:
        advance(5)
        advance(1)
    last = terminal.getvalue().split("embed")[-1]
    assert "75%" in last
    assert "6 of 8" in last


def test_stages_have_a_line_each(terminal: io.StringIO) -> None:
    with progress.progress_bar() as bar:
        step = progress.stages(bar)
        for stage, done in (("write", 1), ("write", 4), ("verify", 1)):
            step(stage, done, 4)
        assert [(t.description, t.completed, t.total) for t in bar.tasks] == [
            ("write", 4, 4),
            ("verify", 1, 4),
        ]
    assert "verify" in terminal.getvalue()


def test_nothing_is_drawn_without_a_terminal_or_a_wish(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with progress.advancing("embed", 8, show=False) as advance:
        advance(8)
    assert terminal.getvalue() == ""
    monkeypatch.undo()
    with progress.advancing("embed", 8) as advance:
        advance(8)
    assert capfd.readouterr() == ("", "")


def test_without_a_terminal_a_line_every_minute_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    monkeypatch.setattr("emqs.runs.progress.time.monotonic", lambda: clock[0])
    with caplog.at_level("INFO"), progress.advancing("embed", 100) as advance:
        for second in (30, 59, 61, 90, 121, 150):
            clock[0] = second
            advance(10)
    assert [entry.getMessage() for entry in caplog.records] == [
        "embed: 30 % done, 2 min left",  # 142 s
        "embed: 50 % done, 2 min left",
    ]
    caplog.clear()
    with caplog.at_level("INFO"), progress.advancing("embed", 100, show=False) as advance:
        clock[0] = 1000
        advance(50)
    assert caplog.records == []
