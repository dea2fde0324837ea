"""A trained network for telephones: the format that TensorFlow Lite and LiteRT read."""

import contextlib
import io
import os
import pathlib
import warnings

import keras
import numpy as np

from tlcourse._util.quiet import held_back_stderr


def to_tflite(model, path):
    """Writes a model as a TensorFlow Lite file, whole or not at all.

    Args:
        model: `keras.Model`.
        path: String or path, to end on `.tflite`.

    Returns:
        Integer, bytes written.

    Raises:
        FileNotFoundError: If there is no such folder; nothing has been converted.
        ValueError: If the path ends differently, or Keras runs on another backend
            than TensorFlow.
    """
    path = pathlib.Path(path)
    _check(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"Expected a folder to write to. Received: {path.absolute().parent}, which "
            "does not exist. Make it first."
        )
    import tensorflow as tf

    log = io.StringIO()  # the converter writes pages to both
    with held_back_stderr(), contextlib.redirect_stdout(log):
        content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return len(content)


def _check(path):
    backend = keras.backend.backend()
    if path.suffix != ".tflite" or backend != "tensorflow":
        raise ValueError(
            "Expected a path that ends on .tflite, and Keras on TensorFlow, which "
            f"has the converter. Received: {path.name}, Keras on {backend}."
        )


def run_tflite(path, images):
    """Runs a TensorFlow Lite file on this computer, image by image.

    Args:
        path: String or path.
        images: Array `(n, height, width, 3)`, as the model takes them.

    Returns:
        Array `(n, ...)`.

    Raises:
        ValueError: If the images have another size than the file wants.
    """
    import tensorflow as tf

    with warnings.catch_warnings(), held_back_stderr():
        # The interpreter has moved to a package of its own, which we do not need.
        warnings.simplefilter("ignore")
        network = tf.lite.Interpreter(model_path=str(path))
        network.allocate_tensors()
        asks, says = network.get_input_details()[0], network.get_output_details()[0]
        wanted = tuple(asks["shape"][1:].tolist())
        if wanted != np.shape(images)[1:]:
            received = np.shape(images)[1:]
            raise ValueError(f"Expected images of {wanted}. Received: {received}")
        return np.stack([_ask(network, asks, says, image) for image in images])


def _ask(network, asks, says, image):
    network.set_tensor(asks["index"], image[None].astype(asks["dtype"]))
    network.invoke()
    return network.get_tensor(says["index"])[0]
