"""What a prediction needs besides an embedding volume, which says itself what it was made of."""

from collections.abc import Sequence
from pathlib import Path

from emqs import models
from emqs.embedding.stores import SearchableStore
from emqs.models.compute import DEFAULT, Compute
from emqs.models.settings import PreprocessingConfig
from emqs.models.weights import Model, load
from emqs.prediction.predict import Embedded
from emqs.prediction.sources import volume_of, weights_of
from emqs.retrieval.contact_sheet import source_volume
from emqs.settings import read


def open_embedded(
    store: SearchableStore,
    volumes: Sequence[str],
    folders: Sequence[Path],
    compute: Compute = DEFAULT,
) -> Embedded:
    """Return an embedding volume with the volume and the encoder that it was made with.

    Args:
        store: The embedding volume.
        volumes: Where the volume may lie; see ``volume_of``.
        folders: Where the weights may lie.
        compute: Device and batch size.

    Raises:
        WeightsError: If no file there holds the weights.
        DataError: If the volume cannot be opened.
    """
    model = model_of(store, folders)
    return Embedded(store, source_volume(store, volume_of(store, volumes)), model, compute)


def model_of(store: SearchableStore, folders: Sequence[Path]) -> Model:
    """Return the encoder that an embedding volume was made with.

    Raises:
        WeightsError: If no file in the folders holds its weights.
    """
    made_with = store.manifest["model"]
    if made_with["weights_sha256"] is not None:
        return load(weights_of(store, folders))
    network = models.build(made_with["name"], dict(made_with["network"]))
    preprocessing = read(PreprocessingConfig, dict(made_with["preprocessing"]), "preprocessing")
    return Model(made_with["name"], network, dict(made_with["network"]), preprocessing)
