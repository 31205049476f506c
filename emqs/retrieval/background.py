"""What is usual in embedding volumes, learnt once while they are open."""

import threading
from collections.abc import Callable
from typing import cast
from weakref import WeakKeyDictionary, ref

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.retrieval.scorers.space import Background

_BACKGROUNDS: WeakKeyDictionary[object, Background] = WeakKeyDictionary()
_LOCK = threading.Lock()


def background_of(joined: SeveralStores) -> Background:
    """Return codes from all over volumes; those of a single one are kept while it is open."""
    if len(joined.stores) > 1:
        return Background(joined.sample(), joined.steps, _weights_of(joined.stores[0]))
    (store,) = joined.stores
    known = _BACKGROUNDS.get(_key(store))
    if known is None:
        made = Background(store.sample(), _steps_of(ref(store)), _weights_of(store))
        with _LOCK:
            known = _BACKGROUNDS.setdefault(_key(store), made)
    elif isinstance(store, EmbeddingStore):
        known.steps = _steps_of(ref(store))  # the one it was made for may be closed
    return known


def share(filtered: SeveralStores, whole: SeveralStores) -> None:
    """Let a volume of which some places may be found have the background of all of it."""
    if len(filtered.stores) == len(whole.stores) == 1:
        known = background_of(whole)
        with _LOCK:
            _BACKGROUNDS.setdefault(_key(filtered.stores[0]), known)


def _key(store: SearchableStore) -> object:
    """Return what an open store keeps when it is looked at anew."""
    return store.signer if isinstance(store, EmbeddingStore) else store


def _weights_of(store: SearchableStore) -> str | None:
    """Return the SHA-256 of the weights that made the codes of a store."""
    return cast("str | None", store.manifest["model"]["weights_sha256"])


def _steps_of(searched: ref[SearchableStore]) -> Callable[[], np.ndarray]:
    """Return what asks an open store how its codes change along Z, without keeping it open."""

    def ask() -> np.ndarray:
        store = searched()
        if store is None:
            raise ValueError("the store that is searched was closed")
        return SeveralStores((store,)).steps()

    return ask
