"""What a network can do, as promises (protocols) that the rest of emqs relies on."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Encoder(Protocol):
    """What every network here can do."""

    input_size: int  # edge H = W of its input, pixels
    code_size: int  # length D of its code

    def encode(self, images: "Tensor") -> "Tensor":
        """Return codes, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1], float32."""
        ...


@runtime_checkable
class Convolutional(Encoder, Protocol):
    """An encoder that pools a feature map, which can be computed for a whole slice at once."""

    cell: int  # edge of a cell of the map, in pixels of the input
    shift: float  # centre of what a cell sees minus centre of the cell, in pixels
    reach: int  # how far outside a cell the input can change it, in pixels, at most

    def features(self, images: "Tensor") -> "Tensor":
        """Return the map ``(N, C, h, w)`` of images ``(N, 1, H, W)`` in [0, 1], float32."""
        ...

    def pool(self, features: "Tensor") -> "Tensor":
        """Return codes ``(N, D)`` of maps ``(N, C, h, w)``."""
        ...


@runtime_checkable
class Fittable(Encoder, Protocol):
    """An encoder that learns from the unlabelled patches of the dataset it searches."""

    def fit(self, images: "Tensor") -> None:
        """Learn from images, shape ``(N, 1, H, W)`` in [0, 1], float32."""
        ...


@runtime_checkable
class Pretrained(Encoder, Protocol):
    """An encoder whose weights come from elsewhere: a package, a download, a foreign file."""

    def load_pretrained(self) -> None:
        """Replace the fresh weights by those that the settings name."""
        ...
