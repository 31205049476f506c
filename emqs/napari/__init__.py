"""emqs in napari: volumes, stores and labels opened and saved, and a dock that searches."""
