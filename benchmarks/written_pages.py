"""Tables that scripts write into pages."""

from pathlib import Path


def write_between(page: Path, marks: tuple[str, str], text: str) -> None:
    """Write a text between two comments of a page, in the place of what stands there."""
    begin, end = marks
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    page.write_text(before + begin + text + end + after, encoding="utf-8")
