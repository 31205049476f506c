"""Predictions of what somebody looks at, made in a process of their own and kept for a while."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emqs.annotations.turns import Turns
from emqs.errors import ConfigError, EmqsError, NotFoundError
from emqs.settings import WEIGHTS_DIR
from emqs.web.apart import Apart
from emqs.web.caches import Cache
from emqs.web.catalogue import Layer
from emqs.web.chunks import Scale
from emqs.web.context import Context
from emqs.web.home import Home
from emqs.web.refusals import Refusal
from emqs.web.sources import stamp

if TYPE_CHECKING:
    from emqs.prediction.shown import Asked, Shown
    from emqs.prediction.sources import Source

logger = logging.getLogger(__name__)

ANSWER = "emqs.prediction.live:answer"
LEARN = "emqs.prediction.live:learn"
WAIT_S = 180.0  # longest wait for one's turn: the first prediction in a volume takes a while
FOLDER = "predictions"  # in the cache of the home
MOST_OPEN = 16  # of a megabyte each
EDGES = (1, 512, 512)  # of the chunks in which viewers get them
NOT_KEPT = "This prediction is not kept any more. Predict again."


def _too_many() -> Refusal:
    sentence = "Others are predicting. Ask again in a moment."
    return Refusal(503, sentence, {"Retry-After": "5"})


class Predictor:
    """The predictions of a process of the server."""

    def __init__(self, cache: Path, *, wait_s: float) -> None:
        """Start nothing.

        Args:
            cache: Folder of the home for what can be made again.
            wait_s: Longest wait for one's turn.
        """
        self._folder = cache / FOLDER
        self._apart = Apart()
        self._turns = Turns(1, wait_s, _too_many)
        self._open: Cache[Shown] = Cache(MOST_OPEN)
        self._learnt: set[Source] = set()
        self._threads: list[threading.Thread] = []

    def predict(self, dataset_id: str, source: "Source", asked: "Asked") -> "tuple[str, Shown]":
        """Return the key of a prediction, and the prediction; one made before is not made again.

        Args:
            dataset_id: Where it is kept.
            source: The embedding volume.
            asked: What is predicted.

        Raises:
            ConfigError: If the examples or the region do not fit.
            DataError: If something cannot be read.
            Refusal: 503 if others predict for too long.
        """
        from emqs.prediction import shown

        key, folder = asked.key(repr(source)), self._folder / dataset_id
        known = shown.kept(folder, key)
        if known is None:
            with self._turns.one():
                known = self._apart.run(ANSWER, source, asked)
            shown.keep(folder, key, known)
        return key, known

    def learn(self, source: "Source") -> None:
        """Let what the first prediction needs be made before anybody asks, if nobody predicts."""
        if source in self._learnt:
            return
        self._learnt.add(source)
        thread = threading.Thread(target=self._learn, args=(source,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _learn(self, source: "Source") -> None:
        try:
            with self._turns.one():
                self._apart.run(LEARN, source)
        except (EmqsError, Refusal) as error:
            self._learnt.discard(source)
            logger.info("nothing was learnt of a volume ahead of a prediction: %s", error)

    def get(self, dataset_id: str, key: str) -> "Shown":
        """Return a prediction that was made a while ago.

        Raises:
            NotFoundError: If it is not kept any more, or never was.
        """
        from emqs.prediction import shown

        def read() -> "Shown":
            known = shown.kept(self._folder / dataset_id, key) if _is_key(key) else None
            if known is None:
                raise NotFoundError(NOT_KEPT)
            return known

        return self._open.get((dataset_id, key), read)

    def close(self) -> None:
        """End the process that predicts."""
        self._apart.close()


def _is_key(key: str) -> bool:
    return len(key) == 32 and set(key) <= set("0123456789abcdef")


def predictor(state: Context) -> Predictor:
    """Return the predictions of this process."""
    return state.kept(
        Predictor,
        lambda state: Predictor(state.home.cache, wait_s=WAIT_S),
    )


def weights_folders(home: Home) -> list[Path]:
    """Return where weights are looked for: those of the home, then those that emqs ships."""
    return [home.folder / "weights", WEIGHTS_DIR]


def volumes_of(layers: Sequence[Layer]) -> list[str]:
    """Return where the volume may lie that an embedding volume was made of."""
    places = [layer.place for layer in layers if layer.kind == "image" and layer.owner_id is None]
    return [place.url if place.path is None else str(place.path) for place in places]


def source_of(home: Home, embedding: Layer, layers: Sequence[Layer]) -> "Source":
    """Return an embedding volume of a dataset, as a prediction needs it.

    Args:
        home: Of the server.
        embedding: Its layer.
        layers: Of the dataset.

    Raises:
        ConfigError: If the store does not lie on a disk.
        DataError: If it is not there.
    """
    from emqs.prediction.sources import Source

    if "://" in embedding.source:
        raise ConfigError(
            f"The layer {embedding.name} is an embedding in a database, and only one in a folder "
            "can be predicted in."
        )
    folders = tuple(str(folder.absolute()) for folder in weights_folders(home))
    return Source(embedding.source, stamp(embedding.place), tuple(volumes_of(layers)), folders)


def scale_of(shown: "Shown") -> Scale:
    """Return a prediction as a volume that is served in chunks."""
    from emqs.volumes import from_array

    return Scale(from_array(shown.values, shown.voxel_size_nm, name="a prediction"), (1, 1, 1))
