"""Processes of this computer, as Linux lists them."""

from pathlib import Path


def children(parent: int) -> dict[int, str]:
    """Return the processes that descend from one, and their titles."""
    above, titles = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            above[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue
    below = {}
    for pid in above:
        seen = pid
        while seen in above and seen != parent:
            seen = above[seen]
        if seen == parent and pid != parent:
            below[pid] = titles[pid]
    return below


def of_ray(parent: int, work: str = "") -> list[int]:
    """Return the processes of Ray below one; with ``work``, its workers that are at that."""
    below = children(parent)
    if work:
        return [pid for pid, title in below.items() if title.startswith(f"ray::{work}")]
    return [pid for pid, title in below.items() if title.startswith("ray::") or "/ray/" in title]
