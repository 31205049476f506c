"""From the settings of a dataset to its stack: a folder, the toy, the corpus, or a mixture."""

import dataclasses
import logging
from pathlib import Path

from emqs.datasets import folder as folders
from emqs.datasets import packaged, synthetic
from emqs.datasets.intensity import intensity_range
from emqs.datasets.settings import DatasetConfig
from emqs.datasets.stack import Stack
from emqs.errors import ConfigError, DataError
from emqs.volumes.formats import image_files

logger = logging.getLogger(__name__)


def open_stack(dataset: DatasetConfig, images: Path) -> Stack:
    """Read or make the slices of one dataset.

    Files are read in the natural order of their names (``slice_2`` before ``slice_10``), and only
    those that ``dataset.slices`` selects. Labels whose only values are 0 and 255 are masks: 255
    becomes class 1.

    Args:
        dataset: Which, from ``configs/dataset/*.yaml``.
        images: Folder that holds ``NAME/raw`` and ``NAME/labels``; not used for the toy and the
            packaged corpus.

    Returns:
        The stack, all pixels in memory. ``labels`` is None if there is no folder of labels.

    Raises:
        ConfigError: If the dataset is a mixture, its name is no folder's name, ``dataset.slices``
            reaches beyond the end, or ``dataset.intensity`` does not fit the pixels.
        DataError: If files are missing, damaged, or do not belong together.
        MissingDependencyError: If a TIFF is compressed in a way that needs another package.
    """
    if dataset.kind == "mixture":
        raise ConfigError(
            f"dataset={dataset.name} is a mixture of {len(dataset.members)} datasets, for training "
            "only; here one stack is needed. Choose one of "
            f"{', '.join(m.name for m in dataset.members)} with dataset=folder dataset.name=NAME."
        )
    if dataset.kind == "toy":
        return _toy(dataset)
    if dataset.kind == "packaged":
        return _packaged(dataset)
    return _folder(dataset, images)


def open_stacks(dataset: DatasetConfig, images: Path) -> list[Stack]:
    """Read all stacks of a dataset: one for each member of a mixture, else a single one.

    Args:
        dataset: Which, from ``configs/dataset/*.yaml``. A member without a pixel size has that of
            the mixture.
        images: Folder that holds ``NAME/raw`` and ``NAME/labels``.

    Returns:
        The stacks, in the order of ``dataset.members``.

    Raises:
        ConfigError: As ``open_stack``; or if a mixture selects slices or names a member twice.
        DataError: As ``open_stack``.
        MissingDependencyError: As ``open_stack``.
    """
    if dataset.kind != "mixture":
        return [open_stack(dataset, images)]
    if dataset.slices is not None:
        raise ConfigError(
            f"dataset.slices selects slices of one dataset, and dataset={dataset.name} is a "
            "mixture of several. Leave it out (null)."
        )
    names = [member.name for member in dataset.members]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"dataset.members names {twice[0]} twice. To draw more of its patches, raise its share."
        )
    stacks = []
    for member in dataset.members:
        size = dataset.pixel_size_nm if member.pixel_size_nm is None else member.pixel_size_nm
        section = dataset.section_nm if member.section_nm is None else member.section_nm
        single = dataclasses.replace(
            dataset, kind="folder", name=member.name, pixel_size_nm=size, section_nm=section,
            consecutive=dataset.consecutive and member.consecutive, members=[],
        )  # fmt: skip
        stacks.append(open_stack(single, images))
    return stacks


def _toy(dataset: DatasetConfig) -> Stack:
    toy = dataset.toy
    first, last = folders.selection(dataset.slices, toy.n_slices, "the toy stack")
    raw, labels = synthetic.em_stack(
        n_slices=toy.n_slices, height=toy.height, width=toy.width, seed=toy.seed
    )
    size, section = dataset.pixel_size_nm, dataset.section_nm
    return Stack(
        name=dataset.name,
        slices=list(raw[first:last]),
        slice_names=[f"{z:04d}" for z in range(first, last)],
        labels=list(labels[first:last]),
        intensity=intensity_range(list(raw[first:last]), dataset.intensity, "The toy stack"),
        pixel_size_nm=synthetic.PIXEL_SIZE_NM if size is None else size,
        section_nm=synthetic.SECTION_NM if section is None else section,
        consecutive=dataset.consecutive,
        classes=dict(dataset.classes) or dict(synthetic.CLASSES),
    )


def _packaged(dataset: DatasetConfig) -> Stack:
    pictures, names = packaged.corpus(dataset.packaged)
    first, last = folders.selection(dataset.slices, len(pictures), "the packaged corpus")
    return Stack(
        name=dataset.name,
        slices=pictures[first:last],
        slice_names=names[first:last],
        intensity=intensity_range(pictures[first:last], dataset.intensity, "The packaged corpus"),
        pixel_size_nm=dataset.pixel_size_nm,
        section_nm=dataset.section_nm,
        consecutive=dataset.consecutive,
        classes=dict(dataset.classes),
    )


def _folder(dataset: DatasetConfig, images: Path) -> Stack:
    folder = _existing(dataset.name, images)
    raw = image_files.find(folder / "raw", image_files.RAW_FORMATS)
    first, last = folders.selection(dataset.slices, raw.count, raw.folder)
    names = raw.names()[first:last]
    with_labels = (folder / "labels").exists()
    if with_labels:
        label_files = image_files.find(folder / "labels", image_files.LABEL_FORMATS)
        folders.check_pairs(raw, label_files)
    slices = folders.read_raw(raw, first, last)
    labels = None
    if with_labels:
        labels = folders.read_labels(label_files, first, last)
        folders.check_sizes(slices, labels, names)
    logger.info("%s: %d of %d slices read from %s", dataset.name, last - first, raw.count, folder)
    return Stack(
        name=dataset.name,
        slices=slices,
        slice_names=names,
        labels=labels,
        intensity=intensity_range(slices, dataset.intensity, str(raw.folder)),
        pixel_size_nm=dataset.pixel_size_nm,
        section_nm=dataset.section_nm,
        consecutive=dataset.consecutive,
        classes=dict(dataset.classes),
        folder=folder,
    )


def _existing(name: str, images: Path) -> Path:
    """Return the folder of a dataset, or say which ones there are."""
    if name in ("", ".", "..") or Path(name).name != name or "\\" in name:
        raise ConfigError(
            f"dataset.name must be the name of a folder under paths.images, got '{name}'. "
            "To read from elsewhere, set paths.images to the folder above."
        )
    if not images.is_dir():
        what = "is a file" if images.exists() else "does not exist"
        raise DataError(
            f"paths.images={images} {what}; it must be the folder that holds {name}/raw. "
            "Set paths.images=FOLDER, or fetch a public dataset: "
            "python -m emqs.download dataset=EPFL"
        )
    there = sorted(
        (p.name for p in images.iterdir() if _is_dataset(p)), key=image_files.natural_key
    )
    if (images / name).is_dir():
        return images / name
    if (images / name).exists():
        raise DataError(f"{images / name} is a file; it must be a folder that holds raw/.")
    found = f"It holds {', '.join(there)}" if there else "It holds no dataset"
    other_case = [n for n in there if n.lower() == name.lower()]
    hint = f" (names are case-sensitive: did you mean {other_case[0]}?)" if other_case else ""
    raise DataError(
        f"There is no dataset '{name}' in paths.images={images}{hint}. {found}. "
        "Put slices into NAME/raw there, set paths.images to another folder, or fetch a public "
        "dataset: python -m emqs.download dataset=EPFL"
    )


def _is_dataset(path: Path) -> bool:
    return path.is_dir() and not image_files.hidden(path)
