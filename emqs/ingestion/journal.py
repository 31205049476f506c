"""What is done so far, one line of JSON for each part; a process may be killed between any two."""

import json
import zlib
from pathlib import Path
from typing import Any


class Journal:
    """Results by name, each written as soon as it is there.

    Every line ends with a checksum (CRC-32). One that was cut off when a process was killed, or
    that does not match its checksum, is forgotten, and its part done again. Results are kept as
    their lines and parsed when asked for: lists of numbers would take ten times the memory.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there; the file is made with the first result."""
        self.path = path
        self._lines: dict[str, bytes] = {}
        text = path.read_bytes() if path.exists() else b""
        lines = [line for line in text.splitlines(keepends=True) if _is_whole(line)]
        for line in lines:
            self._lines[json.loads(line)[0]] = line
        if b"".join(lines) != text:  # the rest was cut off, or is damaged
            path.write_bytes(b"".join(lines))

    def __contains__(self, name: str) -> bool:
        """Return whether a part is done."""
        return name in self._lines

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the result of a part."""
        return json.loads(self._lines[name])[1]

    def add(self, name: str, result: Any) -> None:  # noqa: ANN401
        """Keep the result of a part.

        Raises:
            OSError: If the disk is full.
        """
        line = _line(name, result).encode()
        with self.path.open("ab") as file:
            file.write(line)
        self._lines[name] = line


def _line(name: str, result: Any) -> str:  # noqa: ANN401
    content = json.dumps([name, result], allow_nan=False)
    return f"{content[:-1]}, {zlib.crc32(content.encode())}]\n"


def _is_whole(line: bytes) -> bool:
    """Return whether a line is one that was written, all of it and unchanged."""
    try:
        name, result, _ = json.loads(line)
        return _line(name, result).encode() == line
    except (ValueError, TypeError, RecursionError):
        return False
