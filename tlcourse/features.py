"""Pass images through a frozen network once."""

import numpy as np

from tlcourse.data import check_images


def extract(model, images, batch_size=128):
    """Computes a network's outputs for all images, in inference mode.

    Args:
        model: `keras.Model` that takes raw pixels.
        images: uint8 `(n, height, width, 3)`, 0..255.
        batch_size: Integer.

    Returns:
        float32 `(n, ...)`, the model's outputs.

    Raises:
        ValueError: If the images are not raw pixels, or have another size.
    """
    check_images(images)
    if tuple(model.input_shape[1:]) != images.shape[1:]:
        raise ValueError(
            f"Expected images of {model.input_shape[1:]}, the model's input. "
            f"Received: {images.shape[1:]}"
        )
    return np.asarray(model.predict(images, batch_size=batch_size, verbose=0))
