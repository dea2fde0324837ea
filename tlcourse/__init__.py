"""Helpers of the transfer learning course: data, pictures, bookkeeping.

The lessons write the essential Keras calls themselves. Importing this imports no
backend. The rooms, from the ground up; a room imports only rooms below it:

    _util      paths, checksums, atomic files, progress bars, a quiet import of Keras
    plots      figures and their alternative text                    all lessons
    data       images with labels: digits, folders, TFDS, drawings   00, 13
    bases      keras.applications by name, with weights and pixels   02, 03
    models     what trains, heads, feature maps, what a step costs   04, 05, 06
    features   outputs of a frozen network: once, kept, in shards    04, 10, 14
    course     tracks, progress, the machine, fetch and doctor       all lessons
    training   fit, control, probes, fine-tuning, the clinic         07 to 10, 12
    yosinski   how transferable features are                         11
    teachable  a classifier that learns while one draws              13
    checks     the exercises: check, hint, solution                  all lessons
    widgets    the panels                                            02, 05, 08, 13
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
