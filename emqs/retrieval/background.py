"""What is usual in embedding volumes, learnt once while they are open."""

import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval.scorers.space import Background

_BACKGROUNDS: WeakKeyDictionary[SearchableStore, Background] = WeakKeyDictionary()
_LOCK = threading.Lock()


def background_of(joined: SeveralStores) -> Background:
    """Return codes from all over volumes; those of a single one are kept while it is open."""
    if len(joined.stores) > 1:
        return Background(joined.sample(), joined.steps)
    (store,) = joined.stores
    known = _BACKGROUNDS.get(store)
    if known is None:
        made = Background(store.sample(), _steps_of(ref(store)))
        with _LOCK:
            known = _BACKGROUNDS.setdefault(store, made)
    return known


def share(filtered: SeveralStores, whole: SeveralStores) -> None:
    """Let a volume of which some places may be found have the background of all of it."""
    if len(filtered.stores) == len(whole.stores) == 1:
        known = background_of(whole)
        with _LOCK:
            _BACKGROUNDS.setdefault(filtered.stores[0], known)


def _steps_of(searched: ref[SearchableStore]) -> Callable[[], np.ndarray]:
    """Return what asks an open store how its codes change along Z, without keeping it open."""

    def ask() -> np.ndarray:
        store = searched()
        if store is None:
            raise ValueError("the store that is searched was closed")
        return SeveralStores((store,)).steps()

    return ask
