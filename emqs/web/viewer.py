"""States of neuroglancer that show a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emqs.annotations.searches import Match
from emqs.web.catalogue import Dataset, Layer

NM = 1e-9  # of a metre
PROBABILITY = "probability_threshold"  # setting of a layer that is a probability: what counts
SHADER = Path(__file__).with_name("probability.glsl")  # the pages are built with it, too


def dimensions(dataset: Dataset) -> dict[str, Any]:
    """Return the axes of a dataset, x first, as neuroglancer wants them."""
    z, y, x = dataset.settings["voxel_size_nm"]
    return {"x": [x * NM, "m"], "y": [y * NM, "m"], "z": [z * NM, "m"]}


def data_url(dataset: Dataset, layer: Layer, base: str) -> str:
    """Return the address of a layer, made on the fly; as JPEG if bytes."""
    path = f"{base}/api/v1/data/{dataset.name}/{layer.name}/{layer.version}/precomputed"
    small = layer.kind == "image" and dataset.settings.get("dtype") == "uint8"
    return f"precomputed://{path}/{'jpeg' if small else 'raw'}"


def _source(dataset: Dataset, layer: Layer, base: str) -> str | dict[str, Any]:
    """Return the source of a layer, moved to where it begins if that is not the first voxel."""
    url = data_url(dataset, layer, base)
    offset = layer.settings.get("offset")
    if offset is None:
        return url
    z, y, x = offset
    matrix = [[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, z]]
    return {"url": url, "transform": {"matrix": matrix, "outputDimensions": dimensions(dataset)}}


def _drawn(layer: Layer) -> dict[str, Any]:
    """Return how a layer is drawn, if not as layers of its kind are."""
    threshold = layer.settings.get(PROBABILITY)
    if threshold is None:
        return {}
    shader = SHADER.read_text(encoding="utf-8")
    return {"shader": shader, "shaderControls": {"threshold": threshold}, "opacity": 1}


def state(dataset: Dataset, layers: Sequence[Layer], *, base: str) -> dict[str, Any]:
    """Return a state that shows the layers of a dataset, its middle in view.

    Args:
        dataset: Which.
        layers: Its layers that a user sees.
        base: Address of the server, without a slash at the end.
    """
    shown = [
        {
            "type": layer.kind,
            "name": layer.name,
            "source": _source(dataset, layer, base),
            **_drawn(layer),
            **({"visible": False} if layer.owner_id is not None else {}),
        }
        for layer in layers
        if layer.kind in ("image", "segmentation")
    ]
    middle = [length / 2 for length in reversed(dataset.settings["shape"])]
    return {
        "dimensions": dimensions(dataset),
        "position": middle,
        "layers": shown,
        "layout": "xy",
        **dataset.settings.get("view", {}),
    }


def with_matches(state: dict[str, Any], matches: Sequence[Match]) -> dict[str, Any]:
    """Return a state that shows matches of a search, too, the best one in view.

    Args:
        state: Of the dataset.
        matches: In it; voxel i spans i to i + 1, so its centre lies at i + 0.5.
    """
    marked = []
    for match in matches:
        z, y, x = (v + 0.5 for v in match.centre)
        score = "" if match.score is None else f", score {match.score:.4g}"
        marked.append(
            {
                "type": "point",
                "id": str(match.rank),
                "point": [x, y, z],
                "description": f"rank {match.rank}{score}",
            }
        )
    axes = {"outputDimensions": state["dimensions"]}
    layer = {
        "type": "annotation",
        "name": "matches",
        "source": {"url": "local://annotations", "transform": axes},
        "annotations": marked,
    }
    shown = {**state, "layers": [*state["layers"], layer]}
    return {**shown, "position": marked[0]["point"]} if marked else shown
