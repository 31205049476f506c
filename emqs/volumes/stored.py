"""Which chunks of an array are there: one whose chunks lie under other names is not empty."""

import re
from collections.abc import Mapping
from itertools import islice

from emqs.errors import DataError
from emqs.volumes.chunks import Location

_MOST_KEYS = 10**6  # names that are looked at; a source with so many is not empty


def style_of(location: Location, styles: Mapping[str, str]) -> str | None:
    """Return how the chunks of an array are named.

    Args:
        location: Folder of the array.
        styles: Regular expressions of whole names by style, the expected style first.

    Returns:
        The first style of which there is a chunk; the expected one where that cannot be seen, as on
        servers; None if there is no chunk of any.
    """
    expected = next(iter(styles))
    keys = location.keys()
    if keys is None:
        return expected
    other, n_seen = None, 0
    for key in islice(keys, _MOST_KEYS):
        n_seen += 1
        for style, pattern in styles.items():
            if re.fullmatch(pattern, key):
                if style == expected:
                    return expected
                other = other or style
    return expected if n_seen == _MOST_KEYS else other


def no_chunks(location: Location, names: str) -> DataError:
    """Return the error of a source none of whose chunks is there.

    Args:
        location: Folder of the array or of the scale.
        names: How chunks would be called, an example.
    """
    return DataError(
        f"None of the chunks of {location.name} is there (they would be called {names}): only its "
        "metadata are. Copy the rest of it, or choose another level or dataset."
    )
