"""Ids of rows: opaque strings that sort by the time at which they were made."""

import secrets
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # base 32 without i, l, o, u, as in a ULID
LENGTH = 26
SHORT_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a new id of 26 letters and digits.

    The first 48 bits are milliseconds since 1970 and the other 80 are random; ids made by one
    process only grow, also within a millisecond.
    """
    global _last
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    with _lock:
        if value >> 80 <= _last >> 80:
            value = _last + 1 + secrets.randbits(32)
        _last = value
    return _spelled(value)


def new_key(length: int = 10) -> str:
    """Return a short random key for a link, of letters and digits that are not mistaken."""
    return "".join(secrets.choice(SHORT_ALPHABET) for _ in range(length))


def _spelled(value: int) -> str:
    return "".join(ALPHABET[value >> 5 * (LENGTH - 1 - i) & 31] for i in range(LENGTH))
