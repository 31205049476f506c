"""The codes of several models side by side, scaled so that each counts as asked for.

Shapes: ``(N, 1, H, W) -> each part at its own size -> (N, D1), (N, D2) ... -> (N, D1 + D2 + ...)``.
The input has the size of the largest part; for a smaller one it is resized, anti-aliased.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emqs.models.scaling import Scaling, sampled


class Combined(nn.Module):
    """Several encoders as one."""

    def __init__(
        self,
        *,
        parts: Sequence[str | Mapping[str, Any]],
        part_weights: Sequence[float] | None = None,
        scaling: str = "each",
        unit_length: str = "parts",
    ) -> None:
        """Build the parts, with fresh weights.

        Args:
            parts: Names of models, or ``{"name": NAME, "network": SETTINGS}``; each once.
            part_weights: How much each part counts, at least 0; None: all the same.
            scaling: ``"each"`` brings every number of a code to variance 1 over the searched
                patches and divides by the square root of the code's length; ``"total"`` divides a
                code by the root of its total variance.
            unit_length: ``"parts"`` brings the code of each part to a length that follows from its
                weight alone, ``"whole"`` the combined code to length 1, so that distances rank as
                cosines do; ``"none"``.

        Raises:
            ValueError: If parts are missing, twice there or unknown, or a setting is out of range.
            ConfigError: If a part cannot be built.
        """
        from emqs import models  # holds the list of all models, this one among them

        super().__init__()
        described: list[Mapping[str, Any]] = [
            part if isinstance(part, Mapping) else {"name": part} for part in parts
        ]
        names = [str(part.get("name")) for part in described]
        if not names:
            raise ValueError("parts is empty; name at least one model.")
        if len(set(names)) < len(names) or "combined" in names:
            raise ValueError(f"parts must be different models, none of them combined, got {names}.")
        if part_weights is not None and len(part_weights) != len(names):
            raise ValueError(f"part_weights must be {len(names)} numbers, got {part_weights}.")
        self.names = names
        self.parts = nn.ModuleList(
            models.build(name, dict(part.get("network", {})))
            for name, part in zip(names, described, strict=True)
        )
        encoders = self._encoders()
        self.input_size = max(encoder.input_size for encoder in encoders)
        sizes = [encoder.code_size for encoder in encoders]
        self.code_size = sum(sizes)
        self.scaling = Scaling(sizes, weights=part_weights, kind=scaling, unit_length=unit_length)

    def _encoders(self) -> list[Any]:
        return list(self.parts)

    def fit(self, images: Tensor) -> None:
        """Let each part learn, then learn the scaling, from unlabelled images ``(N, 1, H, W)``."""
        images = images.to(self.scaling.mean.device)
        for part in self._encoders():
            if hasattr(part, "fit"):
                part.fit(_resized(images, part.input_size))
        self.scaling.fit(sampled(self.codes, images))

    def codes(self, images: Tensor) -> Tensor:
        """Return the codes of the parts side by side, unscaled, ``(N, D)``."""
        return torch.cat(
            [part.encode(_resized(images, part.input_size)) for part in self._encoders()], dim=1
        )

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return cast(Tensor, self.scaling(self.codes(images)))


def _resized(images: Tensor, size: int) -> Tensor:
    """Return images ``(N, 1, size, size)`` of ``(N, 1, H, W)``."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(
        images, size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
