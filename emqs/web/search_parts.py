"""The parts of the library that searches need, imported together when the first search comes.

They take seconds to import, and a server that nobody searches in does not need them.
"""

from emqs import hamming, scorers
from emqs.calibration import MIN_EXAMPLES, fit, held_out_scores
from emqs.config import IndexConfig, QueryConfig
from emqs.engines import Engine
from emqs.engines.connections import ClickhouseConfig
from emqs.engines.joined import Joined
from emqs.engines.local import Local
from emqs.engines.opening import open_engine
from emqs.lookup import HEAD_EXAMPLES, Matches, SearchConfig, search
from emqs.scorers import fit_space
from emqs.suggestions import POOL, suggest

__all__ = [
    "HEAD_EXAMPLES",
    "MIN_EXAMPLES",
    "POOL",
    "ClickhouseConfig",
    "Engine",
    "IndexConfig",
    "Joined",
    "Local",
    "Matches",
    "QueryConfig",
    "SearchConfig",
    "fit",
    "fit_space",
    "hamming",
    "held_out_scores",
    "open_engine",
    "scorers",
    "search",
    "suggest",
]
