"""Raw slices become one aligned, even, multiscale volume, and what could not be done is said.

Read ``ingest.py`` first. ``sources`` reads slices one by one; ``check`` judges them; ``matching``
finds where two slices fit, ``pairs`` which of them are matched, ``solve`` places all of them;
``render`` resamples each once, ``pyramid`` writes the volume, ``contrast`` evens a second image.
"""
