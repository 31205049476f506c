"""How workers of a Ray cluster come to what ingestion needs: the raw slices are opened there."""

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

from emqs.runs.ray_executor import RayExecutor, Share
from emqs.runs.settings import RayConfig


def on_ray(settings: RayConfig) -> RayExecutor:
    """Return an executor for ``ingest``; workers must see the slices and the folder of ``out``.

    Raises:
        MissingDependencyError: If Ray is not installed.
    """
    return RayExecutor(settings, _packed, command="ingest")


def _packed(context: Any, _share: Share) -> Callable[[], Any]:  # noqa: ANN401 - of any stage
    return partial(pickle.loads, pickle.dumps(context))
