"""What a search is asked, and what it answers: plain values."""

from dataclasses import dataclass, replace

from emqs.errors import ConfigError

MOST_MATCHES = 1000  # of one page
MOST_RANK = 100_000  # that pages go to
CANDIDATES = 20_000  # the value of configs/search.yaml; a test compares them

Voxel = tuple[int, int, int]
Nm = tuple[float, float, float]


@dataclass(frozen=True)
class Example:
    """A voxel that a user points at."""

    voxel: Voxel
    store: int = 0  # number of the store, of several


@dataclass(frozen=True)
class Ask:
    """What is searched.

    Attributes:
        positives: At least one.
        negatives: What is not looked for.
        region_nm: First and last corner, Z Y X; None: everywhere.
        inside: Segments in one of which a match lies; empty: anywhere.
        outside: Segments in none of which a match lies.
        k: How many matches.
        after: Rank of the last match of the page before; 0: from the first.
        exact: Rank every place by its code.
        distance_nm: Least distance of matches; None: the edge of a patch.
        candidates: Nearest signatures that are ranked by their codes.
        only: Numbers of the stores that matches lie in; empty: all.
    """

    positives: tuple[Example, ...]
    negatives: tuple[Example, ...] = ()
    region_nm: tuple[Nm, Nm] | None = None
    inside: tuple[int, ...] = ()
    outside: tuple[int, ...] = ()
    k: int = 48
    after: int = 0
    exact: bool = False
    distance_nm: float | None = None
    candidates: int = CANDIDATES
    only: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not 1 <= self.k <= MOST_MATCHES:
            raise ConfigError(f"k must be from 1 to {MOST_MATCHES}, got {self.k}.")
        if not 0 <= self.after <= MOST_RANK - self.k:
            raise ConfigError(f"Pages go to rank {MOST_RANK}; after={self.after} is too far.")
        for segment in (*self.inside, *self.outside):
            if not 0 <= segment < 2**64:
                raise ConfigError(f"A segment is a whole number of 64 bits, got {segment}.")
        if set(self.inside) & set(self.outside):
            raise ConfigError("A segment cannot be searched and left out at once.")

    @property
    def question(self) -> "Ask":
        """The same without the page."""
        return replace(self, k=1, after=0)


@dataclass(frozen=True)
class Match:
    """A place that was found.

    Attributes:
        rank: From 1, best first.
        store: Number of the store that it lies in.
        voxel: The voxel to click for it, Z Y X.
        nm: Its centre, Z Y X.
        placed: Where it is, as tables of the commands say it: ``retrieval.places.COLUMNS``.
        hamming: Bits that differ from the nearest example.
        score: Larger is more similar.
        probability: 0 to 1, or None.
    """

    rank: int
    store: int
    voxel: Voxel
    nm: Nm
    placed: dict[str, float]
    hamming: int
    score: float
    probability: float | None

    @property
    def example(self) -> Example:
        """Its voxel, to be used as an example."""
        return Example(self.voxel, self.store)


@dataclass(frozen=True)
class Found:
    """A page of matches.

    Attributes:
        matches: Best first.
        fingerprints: One for each store: what was searched.
        more: Whether there may be another page.
        seconds: What it took; 0 if it was found before.
    """

    matches: tuple[Match, ...]
    fingerprints: tuple[str, ...]
    more: bool
    seconds: float
