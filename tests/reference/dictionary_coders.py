"""LZ78 and LZW, slow and literal: phrases are kept as bytes. Never imported by emqs."""

import struct


def lz78(plain: bytes, limit: int) -> bytes:
    """Longest known phrase, then the next byte; forget all phrases once there are ``limit``."""
    out, phrases, at = b"", [b""], 0
    while at < len(plain):
        # a phrase must leave a byte to follow it
        known = max((p for p in phrases if plain[at:-1].startswith(p)), key=len)
        next_byte = plain[at + len(known)]
        out += struct.pack("<I", phrases.index(known) * 256 + next_byte)
        phrases.append(known + bytes([next_byte]))
        at += len(known) + 1
        if len(phrases) == limit + 1:
            phrases = [b""]
    return out


def lzw(plain: bytes, limit: int) -> bytes:
    """Longest known phrase; learn it with the next byte; forget once there are ``limit``."""
    first = [bytes([k]) for k in range(256)]
    out, phrases, at = b"", list(first), 0
    while at < len(plain):
        known = max((p for p in phrases if plain[at:].startswith(p)), key=len)
        out += struct.pack("<H", phrases.index(known))
        at += len(known)
        if at < len(plain):
            phrases.append(known + plain[at : at + 1])
            if len(phrases) == limit:
                phrases = list(first)
    return out
