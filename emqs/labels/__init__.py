"""What ``python -m emqs.compress`` does with label volumes, one file per task.

``bench`` measures codecs, ``convert`` copies a volume into another format, ``verify`` reads all of
it again, ``query`` asks for labels, ``recommend`` says which codec to take.
"""
