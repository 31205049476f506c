"""What starts servers in a moment."""

import atexit
from functools import cache

from support.forks import Forks

SERVING = (  # what a server has imported once its first page is there
    "emqs.serve", "emqs.web.server", "emqs.web.backup", "emqs.web.app", "emqs.web.search_parts",
    "emqs.web.job_kinds", "emqs.volumes.formats.ome_zarr", "emqs.volumes.zarr_labels.reading",
    "emqs.embedding.stores.hamming_numba", "emqs.codecs.compressed_segmentation", "alembic.context",
    "numba.typed", "scipy.optimize", "tensorstore", "uvicorn.protocols.http.h11_impl",
)  # fmt: skip


@cache
def servers() -> Forks:
    """Return what starts servers, which have all imported that one does at its first page."""
    made = Forks(SERVING)
    atexit.register(made.stop)
    return made
