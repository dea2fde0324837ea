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

from tlcourse._util import keras_settings

# glog's errors and fatal errors; a missing GPU is not one of them.
REAL_ERROR = re.compile(r"^[EF]\d{4} (?!.*(cuda|cuInit|factory|computation_placer))")


def import_keras():
    """Imports Keras and its backend, and returns the module `keras`.

    A setting of Keras that no lesson runs with is a ValueError that names it.
    """
    keras_settings.check()
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
    """Holds back file descriptor 2, but for real errors, or all of it on a raise."""
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
