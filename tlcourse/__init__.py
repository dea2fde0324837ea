"""Helpers of the transfer learning course.

The lessons write the essential Keras calls themselves; this package holds the
data, the pictures and the bookkeeping. Importing it imports no backend.
"""

__version__ = "0.1.0"


def start(seed=0):
    """Begins a lesson: imports Keras quietly and fixes the random seed.

    From then on, figures have an alternative text; see `tlcourse.plots.alt_text`.

    Args:
        seed: Integer; the same seed gives the same results on one machine.

    Returns:
        None. Prints one line: the versions and the backend in use.

    Raises:
        ValueError: If keras.json or KERAS_BACKEND has a setting that no lesson runs
            with; the message says what to write there.
    """
    from tlcourse._util.quiet import import_keras
    from tlcourse.plots import alt_text

    alt_text.show_in_jupyter()
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, seed {seed}")
