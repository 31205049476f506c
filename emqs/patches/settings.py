"""Settings of patches; values come from configs/."""

from dataclasses import dataclass

from emqs.settings import above_zero, one_of


@dataclass(frozen=True)
class PatchConfig:
    """How slices are cut. Values come from ``configs/patch/*.yaml``."""

    size: float = 80  # edge of a square patch, in ``unit``
    stride: float | None = None  # grid step, in ``unit``; None: the size, so no overlap
    unit: str = "px"  # px or nm
    border: bool = True  # keep patches that are cut at the border of a slice

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("patch.unit", self.unit, ("px", "nm"))
        above_zero("patch.size", self.size)
        above_zero("patch.stride", self.stride)
