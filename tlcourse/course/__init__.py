"""The course itself: tracks, progress, the machine, and what has to be fetched.

`doctor` has to run where Keras does not, so `load_track` is imported at first use.
"""


def __getattr__(name):
    if name == "load_track":
        from tlcourse.course.tracks import load_track

        return load_track
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
