"""Pictures of pages beside pictures made before: the same blocks of grey, whatever the fonts.

``EMQS_NEW_PICTURES=1 pytest -m slow tests/browser/test_pictures.py`` makes them anew; look at them.
"""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

REFERENCES = Path(__file__).parents[1] / "browser" / "references"
BLOCK = 8  # pixels of a picture at half its size, so 16 of the page
TELLS = 12  # levels of grey, of 255, by which a block must differ to be another one
MOST_CHANGED = 0.01  # of all blocks
# what is another each time: what the viewer draws, pictures of places, times, codes
VARYING = (".stage", ".values", "img", "time", "code", ".varying")
# nor does what is covered change where the rest lies
STYLE = "code, time { display: inline-block; width: 12em; height: 1.3em; overflow: hidden; }"


def picture_of(page: Page, *varying: str) -> Image.Image:
    """Return a page in grey, at half its size, with what varies covered."""
    masked = [page.locator(selector) for selector in (*VARYING, *varying)]
    content = page.screenshot(
        animations="disabled", caret="hide", mask=masked, mask_color="#808080", style=STYLE
    )
    return smaller(Image.open(io.BytesIO(content)))


def smaller(image: Image.Image) -> Image.Image:
    """Return an image in grey at half its size, with sides of whole blocks."""
    width, height = (length // (2 * BLOCK) * BLOCK for length in image.size)
    return image.convert("L").resize((width, height), Image.Resampling.BOX)


def share_changed(picture: Image.Image, other: Image.Image) -> float:
    """Return the share of blocks that differ, from 0 to 1; 1 if the sizes do."""
    if picture.size != other.size:
        return 1.0
    blocks = [_blocks(one) for one in (picture, other)]
    return float(np.mean(np.abs(blocks[0] - blocks[1]) > TELLS))


def same_as_before(picture: Image.Image, name: str, kept: Path) -> str | None:
    """Return None if a picture is that of the reference, else what to do about it.

    Args:
        picture: From ``picture_of``.
        name: Of the reference, which is made if EMQS_NEW_PICTURES is set.
        kept: Folder for pictures that differ.
    """
    reference = REFERENCES / f"{name}.png"
    if os.environ.get("EMQS_NEW_PICTURES"):
        REFERENCES.mkdir(exist_ok=True)
        picture.quantize(16).save(reference, optimize=True)
        return None
    if not reference.is_file():
        return f"{name}: there is no {reference}; make it with EMQS_NEW_PICTURES=1."
    with Image.open(reference) as before:
        changed = share_changed(picture, before.convert("L"))
    if changed <= MOST_CHANGED:
        return None
    shown = kept / f"{name}.png"
    picture.save(shown)
    return (
        f"{name}: {changed:.1%} of the page differ from {reference}, allowed are "
        f"{MOST_CHANGED:.1%}. Look at {shown}; if it is right, set EMQS_NEW_PICTURES=1."
    )


def _blocks(picture: Image.Image) -> np.ndarray:
    grey = np.asarray(picture, dtype=np.float64)
    rows, columns = (length // BLOCK for length in grey.shape)
    return grey.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
