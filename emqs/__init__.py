"""Similarity search in electron microscopy: point at one structure, find them all.

Importing ``emqs`` loads nothing, not even NumPy; each name below is imported when it is first used.
A first search, in slices and in a volume::

    import emqs

    stack = emqs.open_stack("toy")
    model = emqs.load_model("contrastive")
    print(emqs.retrieve(stack, model, positive=[[3, 200, 310]]).boxes)

    volume = emqs.open_volume("brain.zarr")
    store = emqs.embed(volume, model, "brain_emb.zarr")
    print(emqs.search(store, positive=[[30, 2000, 3100]]).columns)

``emqs.embed``, ``emqs.evaluate``, ``emqs.retrieve`` and ``emqs.search`` are the commands of these
names, too (``python -m emqs.search``).
"""

from typing import TYPE_CHECKING

from emqs.lazy import exports

if TYPE_CHECKING:
    from emqs.errors import EmqsError
    from emqs.models.compute import Compute
    from emqs.notebook import (
        embed,
        encode,
        evaluate,
        load_model,
        make_grid,
        open_stack,
        open_store,
        retrieve,
        search,
    )
    from emqs.volumes.creating import create_volume
    from emqs.volumes.opening import open_volume
    from emqs.volumes.zarr_labels import open_labels, write_labels

__version__ = "0.1.0"

__all__ = [
    "Compute",
    "EmqsError",
    "__version__",
    "create_volume",
    "embed",
    "encode",
    "evaluate",
    "load_model",
    "make_grid",
    "open_labels",
    "open_stack",
    "open_store",
    "open_volume",
    "retrieve",
    "search",
    "write_labels",
]

__getattr__ = exports(
    __name__,
    {
        "Compute": "emqs.models.compute",
        "EmqsError": "emqs.errors",
        "embed": "emqs.embed",  # these four are commands that can be called
        "evaluate": "emqs.evaluate",
        "retrieve": "emqs.retrieve",
        "search": "emqs.search",
        "encode": "emqs.notebook",
        "load_model": "emqs.notebook",
        "make_grid": "emqs.notebook",
        "open_stack": "emqs.notebook",
        "open_store": "emqs.notebook",
        "create_volume": "emqs.volumes.creating",
        "open_volume": "emqs.volumes.opening",
        "open_labels": "emqs.volumes.zarr_labels",
        "write_labels": "emqs.volumes.zarr_labels",
    },
)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet among them."""
    return sorted({*globals(), *__all__})
