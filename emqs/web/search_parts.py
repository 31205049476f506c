"""The parts of the library that searches need, imported together when the first search comes.

They take seconds to import, and a server that nobody searches in does not need them.
"""

import scipy.optimize  # noqa: F401 - fits the heads, which import it when they are needed

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores import SearchableStore, hamming
from emqs.embedding.stores.connections import ClickhouseConfig
from emqs.embedding.stores.opening import open_searchable
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.retrieval import scorers
from emqs.retrieval.scorers.space import fit_space
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig
from emqs.retrieval.suggestions import POOL, suggest
from emqs.retrieval.volume_search import Matches, search

__all__ = [
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
    "fit_space",
    "hamming",
    "open_searchable",
    "scorers",
    "search",
    "suggest",
]
