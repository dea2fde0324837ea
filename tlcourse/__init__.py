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

    From then on, figures have the course's style and an alternative text. On a
    GPU, this notebook takes only the memory that it needs, unless you have set
    TF_FORCE_GPU_ALLOW_GROWTH or XLA_PYTHON_CLIENT_PREALLOCATE yourself.

    Args:
        seed: Integer; the same seed gives the same results on one machine.

    Returns:
        None. Prints one line: the versions and the backend in use. If Keras was
        imported before, another one says so.

    Raises:
        ValueError: If keras.json, a variable such as KERAS_BACKEND or this notebook
            has a setting that no lesson runs with; the message says what to write.
    """
    from tlcourse._util.quiet import import_keras, share_gpu
    from tlcourse.plots import alt_text, style

    style.use()
    alt_text.show_in_jupyter()
    if share_gpu():
        print(
            "(Keras was imported before `tlcourse.start()`, so on a GPU this notebook "
            "may take all memory. Restart the kernel and run `tlcourse.start()` first.)"
        )
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, seed {seed}")
