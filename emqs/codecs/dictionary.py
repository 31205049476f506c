"""LZ78 and LZW: the two classic compressors that learn a dictionary of phrases as they go.

Both forget their dictionary when it is full, so memory is bounded whatever the input; reader and
writer do so at the same place.

Source: Ziv and Lempel, "Compression of individual sequences via variable-rate coding", IEEE Trans.
Inf. Theory 24, 1978; Welch, "A technique for high-performance data compression", Computer 17, 1984.
"""

from array import array

import numpy as np

#: Phrases that LZ78 learns before it starts anew; at most 2**24 - 1, the numbers a pair can hold.
LZ78_PHRASES = 2**20
#: Codes of LZW, the 256 single bytes included; at most 2**16.
LZW_CODES = 2**16


def lz78_compress(plain: bytes) -> bytes:
    """Return pairs (number of a known phrase, next byte), each ``number << 8 | byte`` as uint32.

    Number 0 is the empty phrase; each pair is a new phrase, numbered from 1. The last pair may
    repeat a known phrase. The pairs are as in the Compresso experiments.
    """
    pairs = array("I")
    known: dict[int, int] = {}
    phrase = pair = 0
    for byte in plain:
        pair = phrase << 8 | byte
        phrase = known.get(pair, 0)
        if phrase == 0:
            pairs.append(pair)
            known[pair] = len(known) + 1
            if len(known) == LZ78_PHRASES:
                known = {}
    if phrase != 0:
        pairs.append(pair)
    return np.asarray(pairs, "<u4").tobytes()


def lz78_decompress(payload: bytes, length: int) -> bytes:
    """Return the bytes that ``lz78_compress`` was given.

    Args:
        payload: The pairs.
        length: How many bytes are expected. No more than that, and one phrase, is held.

    Raises:
        ValueError: If the pairs are no whole number, refer to unknown phrases, or give another
            number of bytes.
    """
    parts: list[bytes] = []
    phrases = [b""]
    total = 0
    for pair in np.frombuffer(payload, "<u4").tolist():
        number = pair >> 8
        if number >= len(phrases):
            raise ValueError(f"phrase {number} of {len(phrases)}")
        phrase = phrases[number] + bytes((pair & 255,))
        total += len(phrase)
        if total > length:
            raise ValueError(f"more than {length} bytes")
        parts.append(phrase)
        phrases.append(phrase)
        if len(phrases) == LZ78_PHRASES + 1:
            phrases = [b""]
    return _joined(parts, total, length)


def lzw_compress(plain: bytes) -> bytes:
    """Return codes as uint16: 0 to 255 are single bytes, each code teaches one longer phrase."""
    codes = array("H")
    known: dict[int, int] = {}  # code of a phrase << 8 | next byte: its code
    phrase = -1
    for byte in plain:
        if phrase < 0:
            phrase = byte
            continue
        pair = phrase << 8 | byte
        longer = known.get(pair)
        if longer is not None:
            phrase = longer
            continue
        codes.append(phrase)
        known[pair] = len(known) + 256
        if len(known) + 256 == LZW_CODES:
            known = {}
        phrase = byte
    if phrase >= 0:
        codes.append(phrase)
    return np.asarray(codes, "<u2").tobytes()


def lzw_decompress(payload: bytes, length: int) -> bytes:
    """Return the bytes that ``lzw_compress`` was given; see ``lz78_decompress``."""
    single = [bytes((byte,)) for byte in range(256)]
    parts: list[bytes] = []
    phrases, before, total = single.copy(), b"", 0
    for code in np.frombuffer(payload, "<u2").tolist():
        if code < len(phrases):
            phrase = phrases[code]
        elif code == len(phrases) and before:
            phrase = before + before[:1]  # used at once after it was learnt
        else:
            raise ValueError(f"code {code} of {len(phrases)}")
        total += len(phrase)
        if total > length:
            raise ValueError(f"more than {length} bytes")
        parts.append(phrase)
        if before:
            phrases.append(before + phrase[:1])
        if len(phrases) == LZW_CODES:
            phrases = single.copy()
        before = phrase
    return _joined(parts, total, length)


def _joined(parts: list[bytes], total: int, length: int) -> bytes:
    """Return the parts as one, if they have the length expected."""
    if total != length:
        raise ValueError(f"{total} bytes where {length} are promised")
    return b"".join(parts)
