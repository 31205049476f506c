"""The generic corpus for pretraining: pictures that lie inside installed packages, and textures.

Nothing is downloaded. The photographs come in the wheels of scikit-image and scikit-learn; their
origins and terms stand in the ``README.txt`` beside them there.
"""

from importlib.resources import files

import numpy as np
from PIL import Image

from emqs.datasets import synthetic
from emqs.datasets.settings import PackagedConfig
from emqs.errors import DataError

# in skimage/data; drawings, test patterns and what it would have to download are left out
SCIKIT_IMAGE = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "microaneurysms.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
SCIKIT_LEARN = ("china.jpg", "flower.jpg")  # in sklearn/datasets/images


def corpus(config: PackagedConfig) -> tuple[list[np.ndarray], list[str]]:
    """Return the pictures of the corpus in grey, and their names.

    Colours become grey by the luma weights of ITU-R BT.601.

    Args:
        config: How many textures, their edge in pixels, and their seed.

    Returns:
        Pictures ``(Y, X)``, uint8, of different sizes, first the photographs in alphabetical
        order, then ``config.n_textures`` square textures; and one name for each.

    Raises:
        DataError: If a picture is not in the installed package.
    """
    pictures = [_grey("skimage", ("data",), name) for name in SCIKIT_IMAGE]
    pictures += [_grey("sklearn", ("datasets", "images"), name) for name in SCIKIT_LEARN]
    names = [name.split(".")[0] for name in (*SCIKIT_IMAGE, *SCIKIT_LEARN)]
    if config.n_textures > 0:
        textures = synthetic.texture_images(
            n=config.n_textures, size=config.texture_size, seed=config.seed
        )
        pictures += list(textures)
        names += [f"texture_{i:04d}" for i in range(len(textures))]
    return pictures, names


def _grey(package: str, folders: tuple[str, ...], name: str) -> np.ndarray:
    """Return one picture from inside a package, shape ``(Y, X)``, uint8."""
    source = files(package).joinpath(*folders, name)
    if not source.is_file():
        raise DataError(
            f"The installed package {package} does not hold the picture {name} at {source}. "
            "Reinstall it: pip install --force-reinstall scikit-image scikit-learn"
        )
    with source.open("rb") as file:
        return np.array(Image.open(file).convert("L"))
