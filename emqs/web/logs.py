"""One line for each thing that happens: JSON for programs, or text for people."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line |= {"message": record.getMessage(), **getattr(record, "fields", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(kind: str, *, level: int = logging.INFO) -> None:
    """Send what emqs and uvicorn log to standard error.

    Args:
        kind: ``"json"``, ``"text"``, or ``"auto"``: text in a terminal, JSON elsewhere.
        level: What is less urgent is not written.
    """
    if kind == "auto":
        kind = "text" if sys.stderr.isatty() else "json"
    target = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    target.setFormatter(JsonLines() if kind == "json" else text)
    root = logging.getLogger()
    root.handlers = [target]
    root.setLevel(logging.WARNING)
    # that it has started, people see by the address that is printed
    for name, least in (("emqs", level), ("uvicorn", logging.WARNING if kind == "text" else level)):
        chosen = logging.getLogger(name)
        chosen.handlers, chosen.propagate = [], True
        chosen.setLevel(least)
    logging.getLogger("uvicorn.access").disabled = True  # its lines repeat queries
