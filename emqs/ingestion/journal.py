"""What is done so far, one line of JSON for each part; a process may be killed between any two."""

import json
from pathlib import Path
from typing import Any


class Journal:
    """Results by name, each written as soon as it is there.

    A line that was cut off when a process was killed is forgotten, and its part done again.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there; the file is made with the first result."""
        self.path = path
        self.done: dict[str, Any] = {}
        text = path.read_bytes() if path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        for line in whole.splitlines():
            name, result = json.loads(line)
            self.done[name] = result
        if whole != text:  # the rest is of a line that was cut off
            path.write_bytes(whole)

    def __contains__(self, name: str) -> bool:
        """Return whether a part is done."""
        return name in self.done

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the result of a part."""
        return self.done[name]

    def add(self, name: str, result: Any) -> None:  # noqa: ANN401
        """Keep the result of a part.

        Raises:
            OSError: If the disk is full.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, result], allow_nan=False) + "\n")
        self.done[name] = result
