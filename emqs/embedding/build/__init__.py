"""Build an embedding volume: read a block of a slice, encode every patch in it, write it, go on.

Blocks are cut with as much of their surroundings as the network sees, and at whole patches, so
codes do not depend on how the volume is divided (1e-3 of a typical code, most of it the rounding to
float16). What is known of a whole slice, its mean and spread, is measured once and kept in the
manifest. A block that is there and whole is never made again, so a run that was stopped anywhere
goes on where it was, and several processes may fill one store.

Read ``build.py`` first. It cuts the work into parts (``work.py``), which an executor does: this
process, or those of a Ray cluster (``remote.py``); both stand in ``emqs/runs``.
"""

from emqs.embedding.build.build import build
from emqs.embedding.build.grids import make_grid
from emqs.embedding.build.settings import Built, EmbedConfig
from emqs.embedding.build.verify import Verified, verify

__all__ = ["Built", "EmbedConfig", "Verified", "build", "make_grid", "verify"]
