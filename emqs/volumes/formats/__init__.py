"""One file per format of volumes."""
