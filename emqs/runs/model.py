"""The model of a command, opened from its settings."""

from omegaconf import DictConfig

from emqs.errors import ConfigError
from emqs.models import opening
from emqs.models.settings import ModelConfig
from emqs.models.weights import Model
from emqs.runs.command import is_chosen
from emqs.settings import read


def load_model(cfg: DictConfig) -> "Model":
    """Return the model that ``model=`` and ``weights=`` ask for.

    Raises:
        ConfigError: If the weights file holds another model than the user asked for.
        WeightsError: If the file is missing, damaged or does not fit.
    """
    config = read(ModelConfig, cfg.model, "model")
    weights = None if cfg.weights is None else str(cfg.weights)  # a name may look like a number
    model = opening.load_model(config, weights)
    if weights is not None:
        check_asked_for(model, config, weights)
    return model


def check_asked_for(model: "Model", config: ModelConfig, weights: str) -> None:
    """Raise an error if the user asked for another model than the weights file holds.

    Args:
        model: What the file holds; it alone decides network and preprocessing.
        config: The settings ``model``; those that the user did not give are only defaults.
        weights: The file, for the message.

    Raises:
        ConfigError: If ``model=``, ``model.network.*`` or ``model.preprocessing.*`` was given and
            differs.
    """
    from emqs.models.weights import differences  # torch takes seconds to import

    for setting, found, asked in differences(model, config):
        if is_chosen(setting):
            raise ConfigError(
                f"weights={weights} holds {setting}={found}, but {setting}={asked} was asked for. "
                f"Leave {setting}= out, or give other weights."
            )
