"""Pictures made by a formula: an EM-like stack with labels, and grey images for pretraining.

``em_stack`` draws ``dataset=toy``: neurites, mitochondria, vesicles, synapses and a nucleus as
3-D objects, cut into slices and "imaged". ``placement`` and ``scene`` say where things are,
``render`` what they look like; ``textures`` draws the generic images, and ``noise`` is the smooth
randomness that all of them use.
"""

from emqs.datasets.synthetic.render import CLASSES, PIXEL_SIZE_NM, SECTION_NM, em_stack
from emqs.datasets.synthetic.textures import texture_images

__all__ = ["CLASSES", "PIXEL_SIZE_NM", "SECTION_NM", "em_stack", "texture_images"]
