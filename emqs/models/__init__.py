"""Encoders as plain torch networks, one file each: a patch in, a code out.

A new encoder is one file with one class, one line in ``NETWORKS`` of ``networks.py``, one YAML in
``configs/model/`` and one line in ``configs/model/combined.yaml``. What its class has decides what
it can do (``encoder.py``):

- ``input_size``, ``code_size`` and ``encode`` make an ``Encoder``, which is all a search needs.
- ``fit`` makes it ``Fittable``: it learns from the patches of the searched dataset, without labels,
  before each search. ``emqs.models.scaling`` brings numbers of different kinds to one scale.
- ``load_pretrained`` makes it ``Pretrained``: the constructor makes fresh weights and opens no
  file, so that a weights file alone can rebuild it; this method reads a package or a foreign file.
- ``decode`` lets it be trained to reconstruct. ``features`` and ``pool`` (``Convolutional``) let it
  be trained to know a patch again, and encode a whole slice at once.

What it learns stands in parameters and buffers, and its settings are plain values, so that
``weights.py`` can store and rebuild it; many settings come as one dataclass, its ``Settings``. A
setting that is not allowed is a ``ValueError``; an optional package comes through
``emqs.errors.require``. The smallest is ``pixels.py``::

    class Brightness(nn.Module):
        def __init__(self, *, size: int = 64) -> None:
            super().__init__()
            self.input_size, self.code_size = size, 1

        def encode(self, images: Tensor) -> Tensor:  # (N, 1, H, W) in [0, 1] -> (N, 1)
            return images.mean((2, 3))
"""

from typing import TYPE_CHECKING

from emqs.lazy import exports

if TYPE_CHECKING:
    from emqs.models.encoder import Convolutional, Encoder, Fittable, Pretrained
    from emqs.models.networks import NETWORKS, build, defaults

__all__ = ["NETWORKS", "Convolutional", "Encoder", "Fittable", "Pretrained", "build", "defaults"]

_PLACES = dict.fromkeys(__all__, "emqs.models.encoder") | dict.fromkeys(
    ("NETWORKS", "build", "defaults"), "emqs.models.networks"
)
__getattr__ = exports(__name__, _PLACES)  # torch takes seconds to import
