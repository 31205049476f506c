"""Clicks at voxels of the slice that a viewer in a browser shows."""

import json
from urllib.parse import quote

from playwright.sync_api import Page
from support.browsing import until_true

UNDER = "() => window.emqsViewer.under()"
APART = 100  # pixels
# What follows a path so that a pixel is a voxel of the toy, and slice 6 in view.
ONE_TO_ONE = "#" + quote(json.dumps({"view": {"position": [256, 256, 6], "crossSectionScale": 1}}))


class Slice:
    """The xy slice of a page's viewer: where its voxels lie on the page.

    The middle of the canvas and a point beside it are looked up in the viewer once; it must not be
    moved in the plane afterwards.
    """

    def __init__(self, page: Page) -> None:
        """Look where two pixels lie in the volume."""
        self.page = page
        until_true(page, "() => Boolean(window.emqsViewer) && window.emqsViewer.isReady()")
        box = page.locator(".viewer canvas").first.bounding_box()
        assert box is not None
        self.left = box["x"] + box["width"] / 2
        self.top = box["y"] + box["height"] / 2
        self.y, self.x = self._under(self.left, self.top)
        y, x = self._under(self.left + APART, self.top + APART)
        self.voxels_per_pixel = (x - self.x) / APART
        assert abs((y - self.y) / APART - self.voxels_per_pixel) < 1e-6

    def _under(self, left: float, top: float) -> tuple[float, float]:
        self.page.mouse.move(left - 2, top - 2)
        self.page.mouse.move(left, top)
        until_true(self.page, f"() => ({UNDER})() !== null")
        place = self.page.evaluate(UNDER)
        return place["y"], place["x"]

    def pixel(self, y: float, x: float) -> tuple[float, float]:
        """Return the place on the page, from left and from top, of a voxel."""
        left = self.left + (x - self.x) / self.voxels_per_pixel
        return left, self.top + (y - self.y) / self.voxels_per_pixel

    def move(self, y: float, x: float) -> None:
        """Move the mouse onto a voxel."""
        left, top = self.pixel(y, x)
        self.page.mouse.move(left - 2, top - 2)
        self.page.mouse.move(left, top)

    def click(self, y: float, x: float, *keys: str) -> None:
        """Click on a voxel with keys held down."""
        for key in keys:
            self.page.keyboard.down(key)
        self.move(y, x)
        self.page.mouse.down()
        self.page.mouse.up()
        for key in reversed(keys):
            self.page.keyboard.up(key)

    def double_click(self, y: float, x: float) -> None:
        """Click twice on a voxel."""
        self.move(y, x)
        left, top = self.pixel(y, x)
        self.page.mouse.dblclick(left, top)
