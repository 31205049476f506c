"""Fetch public datasets, check them, and lay them out as folders of slices."""

import logging
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pooch
import requests
from PIL import Image
from rich.progress import Progress

from emqs.datasets import folder as folders
from emqs.datasets.settings import DownloadConfig
from emqs.errors import ConfigError, DataError
from emqs.files import read_json, write_json
from emqs.volumes.formats import image_files, tiff_pages

logger = logging.getLogger(__name__)


RECORD = "checksums.json"  # beside the fetched files


CHUNK = 2**20  # bytes between two steps of the progress bar


@dataclass(frozen=True)
class Part:
    """One folder under ``images/`` and the two TIFF files it is made from."""

    folder: str
    raw: str
    labels: str

    @property
    def files(self) -> tuple[str, str]:
        """Both file names."""
        return self.raw, self.labels


@dataclass(frozen=True)
class Record:
    """What is remembered of a file from its first use on."""

    url: str
    sha256: str
    n_bytes: int


PARTS = {
    "EPFL": (
        Part("EPFL", "training.tif", "training_groundtruth.tif"),
        Part("EPFL_testing", "testing.tif", "testing_groundtruth.tif"),
    ),
}


CITATIONS = {
    "EPFL": "A. Lucchi, K. Smith, R. Achanta, G. Knott, P. Fua: Supervoxel-based segmentation of "
    "mitochondria in EM image stacks with learned shape features. IEEE TMI 31(2), 2012.",
}


_OWN_COPY = (
    "is not public: its owners gave it to the authors of the patch-based querying paper. If you "
    "have a copy, put slices into {folder}/raw and class ids into {folder}/labels, one PNG each."
)


_VNC = (
    "is not fetched by this command. Get 'groundtruth-drosophila-vnc' (Gerhard et al. 2013, "
    "doi 10.6084/m9.figshare.856713, github.com/unidesigner/groundtruth-drosophila-vnc, "
    "CC BY-NC-SA 3.0) and copy "
)


ELSEWHERE = {
    "EMBL": _OWN_COPY,
    "VIB": _OWN_COPY,
    "VNC": _VNC + "stack1/raw to {folder}/raw and stack1/mitochondria to {folder}/labels.",
    "VNC_unlabelled": _VNC + "stack2/raw to {folder}/raw.",
}


def download(
    name: str, images: Path, settings: DownloadConfig, *, progress: Progress | None = None
) -> list[Path]:
    """Fetch a public dataset and write it as PNG slices and labels.

    Fetched files are kept under ``settings.cache``, beside a record of their SHA-256. A file that
    lies there already, fetched earlier or brought by hand, is used, and later must not change.
    An existing dataset is never touched, and a dataset appears only when it is complete.

    Args:
        name: Which, e.g. ``"EPFL"``.
        images: Folder under which ``NAME/raw`` and ``NAME/labels`` are made; made if missing.
        settings: Where from, and where fetched files are kept.
        progress: Where bars are drawn, not started yet; none if None.

    Returns:
        The folders that were made, e.g. ``images/EPFL`` and ``images/EPFL_testing``.

    Raises:
        ConfigError: If there is nothing to fetch for this dataset.
        DataError: If all of its folders exist, it must be brought by hand, the server cannot be
            reached or does not have a file, a file is incomplete, is no TIFF or has changed since
            its first use, or the disk cannot be written.
    """
    parts = _missing_parts(name, images)
    if progress is None:
        progress = Progress(disable=True)
    try:
        with progress:
            return [_make(part, name, images, settings, progress) for part in parts]
    except OSError as error:
        raise DataError(
            f"Cannot write {error.filename or images}: {error.strerror or error}. "
            "Free space or set paths.images or download.cache to a folder you may write to."
        ) from None


def _missing_parts(name: str, images: Path) -> list[Part]:
    """Return the parts of a dataset whose folders do not exist yet."""
    if name in ELSEWHERE:
        raise DataError(f"{name} " + ELSEWHERE[name].format(folder=images / name))
    if name not in PARTS:
        raise ConfigError(
            f"There is nothing to fetch for dataset={name}. This command knows: "
            f"{', '.join(PARTS)}. Your own slices go into {images / 'NAME'}/raw and NAME/labels."
        )
    existing = [images / p.folder for p in PARTS[name] if (images / p.folder).exists()]
    missing = [p for p in PARTS[name] if not (images / p.folder).exists()]
    if not missing:
        raise DataError(
            f"{' and '.join(str(f) for f in existing)} exist already, and are never overwritten. "
            "Nothing was fetched. To fetch them anew, rename or delete them first."
        )
    for folder in existing:
        logger.warning("%s exists already and is kept as it is", folder)
    return missing


def _make(
    part: Part, name: str, images: Path, settings: DownloadConfig, progress: Progress
) -> Path:
    """Fetch the two files of a part and turn them into one folder of slices and labels."""
    cache = Path(settings.cache) / name
    known = _read_records(cache)
    records = {}
    for file in part.files:
        url = f"{settings.base_url.rstrip('/')}/{file}"
        records[file] = _fetch(url, cache / file, known.get(file), settings, progress)
    made = _convert(part, cache, images, {"citation": CITATIONS[name], "files": records}, progress)
    write_json(cache / RECORD, {k: asdict(v) for k, v in (known | records).items()})
    return made


def _read_records(cache: Path) -> dict[str, Record]:
    """Return the SHA-256 of every file that was used before."""
    path = cache / RECORD
    if not path.exists():
        return {}
    try:
        entries = read_json(path, "the checksums of what was fetched")
        return {file: Record(**entry) for file, entry in entries.items()}
    except (DataError, TypeError):
        raise DataError(
            f"{path} is damaged, so it is unknown whether the files beside it have changed. "
            f"Delete the folder {cache} to fetch them anew."
        ) from None


class _Bar:
    """One line of the progress display, in the form pooch asks for."""

    def __init__(self, progress: Progress, name: str) -> None:
        self.total = 0  # bytes; pooch sets it from the server's Content-Length, 0 if there is none
        self._progress = progress
        self._task = progress.add_task(name, total=None)

    def update(self, n_bytes: int) -> None:
        """Move the bar on."""
        self._progress.update(self._task, total=self.total or None, advance=n_bytes)

    def reset(self) -> None:
        """Go back to the start; pooch then fills the bar."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Leave the bar as it is."""


def _fetch(
    url: str, path: Path, known: Record | None, settings: DownloadConfig, progress: Progress
) -> Record:
    """Return the record of a file, after fetching it if it is not there."""
    if path.exists():
        fetched = Record(url, pooch.file_hash(str(path)), path.stat().st_size)
        _check_unchanged(fetched, known, path, "delete it to fetch it anew")
        _check_is_tiff(path, str(path))
        return fetched if known is None else known
    bar = _Bar(progress, path.name)
    fetched = Record(url, "", 0)
    get = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=CHUNK,
        timeout=settings.timeout_s,
        headers={"Accept-Encoding": "identity"},  # so that Content-Length counts the file's bytes
    )

    def get_and_check(address: str, output: str, owner: object) -> None:
        """Fetch into a temporary file, which pooch moves to its place only if all is well."""
        nonlocal fetched
        get(address, output, owner)
        size = Path(output).stat().st_size
        if bar.total and size != bar.total:
            raise DataError(
                f"{url} is incomplete: {size} of {bar.total} bytes came. Run the command again."
            )
        _check_is_tiff(Path(output), url)
        fetched = Record(url, pooch.file_hash(output), size)
        _check_unchanged(fetched, known, Path(url), "the publisher may have replaced it")

    pooch.get_logger().setLevel("WARNING")  # its notes would break the progress bar
    try:
        pooch.retrieve(
            url, known_hash=None, fname=path.name, path=path.parent, downloader=get_and_check
        )
    except requests.RequestException as error:
        raise DataError(_why(error, url, path.parent, settings)) from None
    return fetched


def _why(error: requests.RequestException, url: str, cache: Path, settings: DownloadConfig) -> str:
    """Return in one line why a file did not come, and what to do."""
    host = urlsplit(url).netloc
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return (
            f"{host} answered {error.response.status_code} {error.response.reason} for {url}. "
            "If the files have moved, set download.base_url to their new folder."
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"The connection to {host} broke while {url} was coming. Run the command again."
    if isinstance(error, requests.Timeout):
        reason = f"no answer within {settings.timeout_s:g} s (download.timeout_s)"
    elif isinstance(error, requests.exceptions.SSLError):
        reason = "its certificate was refused"
    elif isinstance(error, requests.exceptions.ProxyError):
        reason = "the proxy refused the connection"
    else:
        reason = "no connection"
    files = [file for part in PARTS[cache.name] for file in part.files]
    return (
        f"{host} cannot be reached: {reason}. Are you offline? Without a network, fetch "
        f"{', '.join(files)} from {settings.base_url} elsewhere, put them into {cache}, and run "
        "the command again."
    )


def _check_is_tiff(path: Path, where: str) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    if start not in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        raise DataError(
            f"{where} is not a TIFF file; it starts with {start!r}. A login or error page may have "
            "come instead: open the address in a browser, or check download.base_url."
        )


def _check_unchanged(fetched: Record, known: Record | None, where: Path | str, hint: str) -> None:
    if known is not None and fetched.sha256 != known.sha256:
        raise DataError(
            f"{where} has changed since its first use: expected SHA-256 {known.sha256}, got "
            f"{fetched.sha256} ({fetched.n_bytes} bytes, before {known.n_bytes}). It was not used: "
            f"{hint}."
        )


def _convert(
    part: Part, cache: Path, images: Path, source: dict[str, Any], progress: Progress
) -> Path:
    """Write the slices and labels of two TIFF stacks as PNG; all of them, or nothing."""
    target = images / part.folder
    try:
        raw, labels = _read_pair(part, cache)
    except DataError as error:
        raise DataError(
            f"{error} Delete the faulty one of {' and '.join(part.files)} from {cache}, and run "
            "the command again to fetch it anew."
        ) from None
    images.mkdir(parents=True, exist_ok=True)
    task = progress.add_task(f"{part.folder} to PNG", total=len(raw))
    with tempfile.TemporaryDirectory(dir=images, prefix=f".{part.folder}-") as temporary:
        new = Path(temporary) / part.folder
        for kind in ("raw", "labels"):
            (new / kind).mkdir(parents=True)
        for z, (image, label) in enumerate(zip(raw, labels, strict=True)):
            Image.fromarray(image).save(new / "raw" / f"{z:04d}.png")
            Image.fromarray(label).save(new / "labels" / f"{z:04d}.png")
            progress.advance(task)
        files = {file: asdict(record) for file, record in source["files"].items()}
        write_json(new / "source.json", {**source, "files": files})
        if target.exists():
            raise DataError(f"{target} was made meanwhile by someone else, and is left as it is.")
        new.rename(target)
    return target


def _read_pair(part: Part, cache: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return slices and class ids of two TIFF stacks, checked against each other."""
    stacks = []
    for file in part.files:
        path = cache / file
        stacks.append(image_files.Files(path, "TIFF", [path], tiff_pages.count_slices(path)))
    folders.check_pairs(*stacks, by_name=False)
    raw = folders.read_raw(stacks[0], 0, stacks[0].count)
    labels = folders.read_labels(stacks[1], 0, stacks[1].count)
    folders.check_sizes(raw, labels, stacks[0].names())
    for file, pixels in ((part.raw, raw[0]), (part.labels, labels[0])):
        if pixels.dtype not in (np.uint8, np.uint16):
            raise DataError(
                f"{cache / file} has pixels of type {pixels.dtype}, which PNG cannot hold. "
                f"Put the TIFF itself into {part.folder}/raw or labels."
            )
    return raw, labels
