"""What is logged reads well by people in a terminal, and by programs elsewhere."""

import io
import json
import logging
import sys

import pytest

from emqs.web import logs


class Terminal(io.StringIO):
    """What people look at."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize(
    ("kind", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("text", io.StringIO, False),
    ],
)
def test_json_for_programs_and_text_for_people(
    kind: str, stream: type[io.StringIO], is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = stream()
    monkeypatch.setattr(sys, "stderr", target)
    root = logging.getLogger()
    before = root.handlers, root.level
    try:
        logs.configure(kind)
        logging.getLogger("emqs.web").info("a %s", "word", extra={"fields": {"user": "ann"}})
        logging.getLogger("uvicorn.error").info("started")
    finally:
        root.handlers, _ = before
        root.setLevel(before[1])
        for name in ("emqs", "uvicorn"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    lines = target.getvalue().splitlines()
    if is_json:
        read = [json.loads(line) for line in lines]
        assert [line["message"] for line in read] == ["a word", "started"]
        assert read[0]["user"] == "ann"
    else:
        assert len(lines) == 1
        assert lines[0].endswith("INFO emqs.web: a word")
