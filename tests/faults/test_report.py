"""A run of faults goes on with what the page says."""

from pathlib import Path

import pytest
from faults import report


def test_what_a_table_says_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = report.faults()
    every = {key: report.Count(step + 9, step + 7) for step, key in enumerate(names)}
    for fault, name in names:
        if fault in (*report.DAMAGE, "server"):
            every[fault, name].told = 3
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    written = report.table(every, 720.0)
    report.PAGE.write_text(f"before\n{report.BEGIN}{written}{report.END}after\n")
    counts = report.Counts(None)
    counts.add_page()
    assert counts.of == every
    assert counts.seconds == 720.0
