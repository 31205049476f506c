"""One image file in, one grey slice or one slice of class ids out."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from emqs.errors import DataError, first_line

JPEG_PIXELS_BYTE = 512  # a block of 8 x 8 pixels takes a bit at least
MAX_PIXELS = 2**29  # of one slice: 23,170 x 23,170; guards against damaged headers

_GREY_PNG, _PALETTE_PNG = 0, 3  # colour types in a PNG's header
_PALETTE_MODES = ("P", "PA")
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError)  # what Pillow raises for a bad file


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let Pillow read a slice of up to MAX_PIXELS, and turn what it raises into one DataError."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(
            f"{path} has more than {MAX_PIXELS:,} pixels, the limit for one slice. "
            "Cut it into tiles."
        ) from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except UnidentifiedImageError:  # its text shows an object of Python
        why = "it does not begin as one" if path.stat().st_size else "it is empty, 0 bytes"
        raise DataError(
            f"{path} cannot be read as an image: {why}. Copy or export it again."
        ) from None
    except _DAMAGED as error:
        raise DataError(
            f"{path} cannot be read as an image; it is damaged or cut off ({first_line(error)}). "
            "Copy or export it again."
        ) from None
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _load(path: Path) -> tuple[Image.Image, tuple[int, int] | None]:
    """Return the decoded image, and bit depth and colour type if it is a PNG."""
    with _told(path), path.open("rb") as file:
        head = file.read(26)  # signature, then the IHDR chunk: depth and type are its last two
        file.seek(0)
        image = Image.open(file)
        _check_jpeg(path, image)
        image.load()
    return image, (head[24], head[25]) if head.startswith(b"\x89PNG") else None


def _check_jpeg(path: Path, image: Image.Image) -> None:
    """Raise an error if a JPEG has too few bytes for its pixels; its library would draw the rest.

    Raises:
        DataError: If it has.
    """
    n_bytes = path.stat().st_size
    if image.format == "JPEG" and image.height * image.width > JPEG_PIXELS_BYTE * n_bytes:
        raise DataError(
            f"{path} cannot be read as an image; it is damaged or cut off: it states "
            f"{image.height} x {image.width} pixels, and has {n_bytes} bytes. Copy or export it "
            "again."
        )


def size_of(path: Path) -> tuple[int, int]:
    """Return height and width of an image, of which only the header is read.

    Raises:
        DataError: If it is damaged or too large.
    """
    with _told(path), Image.open(path) as image:
        _check_jpeg(path, image)
        return image.height, image.width


def is_one_bit(path: Path) -> bool:
    """Return whether a file is a grey PNG of one bit; only its header is read."""
    with path.open("rb") as file:
        head = file.read(26)
    return head.startswith(b"\x89PNG") and (head[24], head[25]) == (1, _GREY_PNG)


def read_grey(path: Path) -> np.ndarray:
    """Return a PNG or JPEG as one grey slice.

    Colour images whose three channels are equal count as grey. A 1-bit image becomes 0 and 255.

    Returns:
        Pixels, shape ``(Y, X)``, uint8 or uint16.

    Raises:
        DataError: If the file is damaged, too large, coloured or partly transparent.
    """
    image, png = _load(path)
    if png is not None and png[0] == 16 and png[1] != _GREY_PNG:  # Pillow would cut it to 8 bits
        raise DataError(f"{path} is a 16-bit colour PNG. Save it as 16-bit grey (one channel).")
    if image.mode in _PALETTE_MODES:
        image = image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    return grey(np.asarray(image), path)


def grey(pixels: np.ndarray, where: object) -> np.ndarray:
    """Return pixels as one grey slice.

    Args:
        pixels: Shape ``(Y, X)``, or ``(Y, X, S)`` with S channels: grey and alpha, red green
            blue, or red green blue alpha. Boolean, integer or floating-point.
        where: Names the image in an error message.

    Returns:
        Shape ``(Y, X)``: uint8 and uint16 as they are, everything else float32.

    Raises:
        DataError: If the image is empty, coloured, partly transparent or holds NaN.
    """
    if pixels.ndim == 3:
        pixels = _one_channel(pixels, where)
    if pixels.size == 0:
        raise DataError(f"{where} has no pixels.")
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    if pixels.dtype.kind == "i" and pixels.dtype.itemsize == 4 and _fits_uint16(pixels):
        return pixels.astype(np.uint16)  # how older Pillow hands out 16-bit PNG
    if pixels.dtype.kind not in "iuf":
        raise DataError(f"{where} has pixels of type {pixels.dtype}; allowed are whole numbers.")
    values = pixels.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{where} holds NaN or infinite pixels. Replace them by numbers.")
    return values


def _one_channel(pixels: np.ndarray, where: object) -> np.ndarray:
    """Return ``(Y, X)`` of ``(Y, X, S)`` if all colours are equal and nothing is transparent."""
    if pixels.shape[2] in (2, 4):
        if (pixels[..., -1] != pixels[..., -1].max(initial=0)).any():
            raise DataError(f"{where} is partly transparent. Save it as grey (one channel).")
        pixels = pixels[..., :-1]
    if pixels.shape[2] > 3 or (pixels != pixels[..., :1]).any():
        raise DataError(
            f"{where} is a colour image; slices must be grey. Convert it to one channel."
        )
    return pixels[..., 0]


def _fits_uint16(pixels: np.ndarray) -> bool:
    return bool(pixels.min() >= 0 and pixels.max() <= 65535)


def read_ids(path: Path) -> np.ndarray:
    """Return a PNG as one slice of class ids.

    A palette image gives its palette indices, not its colours. A 1-bit image gives 0 and 1, a
    2- or 4-bit grey image the numbers that are stored, not their stretched shades.

    Returns:
        Class ids, shape ``(Y, X)``, uint8 or uint16.

    Raises:
        DataError: If the file is damaged, too large or has several channels.
    """
    image, png = _load(path)
    pixels = np.asarray(image)
    if png is not None and png[1] not in (_GREY_PNG, _PALETTE_PNG) and pixels.ndim == 2:
        pixels = np.stack([pixels] * 2, axis=2)  # several channels, whatever Pillow made of them
    if png is not None and png[1] == _GREY_PNG and png[0] in (2, 4) and pixels.ndim == 2:
        pixels = pixels // (85 if png[0] == 2 else 17)  # Pillow stretched 0..3 or 0..15 to 0..255
    return ids(pixels, path)


def ids(pixels: np.ndarray, where: object) -> np.ndarray:
    """Return pixels as one slice of class ids.

    Args:
        pixels: Shape ``(Y, X)``, boolean or integer.
        where: Names the image in an error message.

    Returns:
        Shape ``(Y, X)``, unsigned, values unchanged.

    Raises:
        DataError: If there are several channels, fractions or negative values.
    """
    if pixels.ndim != 2:
        raise DataError(
            f"{where} has {pixels.shape[2]} channels; a label image has one, whose values are "
            "class ids. Colours are not translated into classes."
        )
    if pixels.size == 0:
        raise DataError(f"{where} has no pixels.")
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8)
    if pixels.dtype.kind == "f":
        raise DataError(
            f"{where} holds floating-point labels. Save class ids as 8-, 16- or 32-bit integers."
        )
    if pixels.dtype.kind == "i" and pixels.min() < 0:
        raise DataError(
            f"{where} holds the negative label {int(pixels.min())}; labels are 0 for background "
            "and class ids from 1."
        )
    return np.ascontiguousarray(pixels, dtype=np.dtype(f"u{pixels.dtype.itemsize}"))
