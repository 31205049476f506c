"""The parts of the library that searches need, imported together when the first search comes.

They take seconds to import, and a server that nobody searches in does not need them.
"""

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores import SearchableStore, hamming
from emqs.embedding.stores.connections import ClickhouseConfig
from emqs.embedding.stores.opening import open_searchable
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.retrieval import scorers
from emqs.retrieval.calibration import MIN_EXAMPLES, fit, held_out_scores
from emqs.retrieval.scorers.space import fit_space
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig
from emqs.retrieval.suggestions import POOL, suggest
from emqs.retrieval.volume_search import HEAD_EXAMPLES, Matches, search

__all__ = [
    "HEAD_EXAMPLES",
    "MIN_EXAMPLES",
    "POOL",
    "ClickhouseConfig",
    "EmbeddingStore",
    "IndexConfig",
    "Matches",
    "QueryConfig",
    "SearchConfig",
    "SearchableStore",
    "SeveralStores",
    "ShortCoder",
    "fit",
    "fit_space",
    "hamming",
    "held_out_scores",
    "open_searchable",
    "scorers",
    "search",
    "suggest",
]
