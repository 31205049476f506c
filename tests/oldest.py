"""Write the oldest version of every dependency that pyproject.toml allows, as constraints for pip.

    python tests/oldest.py [--except NAME ...] > oldest.txt
    pip install -c oldest.txt -e '.[dev]'

``--except`` leaves packages out, such as torch where only one of its builds can be had.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)")


def oldest(requirements: list[str]) -> dict[str, str]:
    """Return the lowest versions of packages, the highest one where several are asked for."""
    lowest: dict[str, str] = {}
    for text in requirements:
        match = REQUIREMENT.match(text)
        if match is None:  # emqs itself, with another extra; or any version will do
            continue
        name, version = match.group(1).lower(), match.group(2)
        lowest[name] = max(lowest.get(name, version), version, key=_numbers)
    return lowest


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def main() -> None:
    """Print one line for each package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--except", dest="others", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    for name, version in sorted(oldest([*project["dependencies"], *extras]).items()):
        if name not in options.others:
            sys.stdout.write(f"{name}=={version}\n")


if __name__ == "__main__":
    main()
