"""Imports Keras without the log that its backend writes at start-up.

TensorFlow greets on stderr, below Python, also where its log level forbids it.
To somebody's first notebook that looks like a failure.
"""

import contextlib
import logging
import os
import re
import sys
import tempfile

# glog's errors and fatal errors; a missing GPU is not one of them.
REAL_ERROR = re.compile(r"^[EF]\d{4} (?!.*(cuda|cuInit|factory|computation_placer))")


def import_keras():
    """Imports Keras and its backend.

    Returns:
        The module `keras`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        import keras

        keras.ops.zeros(1)
    # A lesson builds many small models on purpose; TensorFlow advises against.
    logging.getLogger("tensorflow").addFilter(_is_no_retracing_advice)
    return keras


def _is_no_retracing_advice(record):
    return "triggered tf.function retracing" not in record.getMessage()


@contextlib.contextmanager
def held_back_stderr():
    """Holds back what is written to file descriptor 2; lets real errors pass.

    Returns:
        A context manager. If its body raises, everything held back is shown.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        shown = re.compile("")
        try:
            yield
            shown = REAL_ERROR
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            for line in filter(shown.search, lines):
                print(line, file=sys.stderr)
