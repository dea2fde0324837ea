"""Two patients for lesson 12: programs in plain Keras, each with one mistake.

They are there to be read, copied into a notebook, and mended.
"""

import inspect

import keras
import numpy as np


def show(patient):
    """Prints the code of a patient, to copy."""
    print(inspect.getsource(patient))


def patient_a(vectors, labels):
    """Trains a dense layer on four fifths of the vectors, and returns the model."""
    order = np.random.default_rng(0).permutation(len(labels))
    cut = len(labels) * 4 // 5
    model = keras.Sequential(
        [
            keras.Input(vectors.shape[1:]),
            keras.layers.Dense(int(labels.max()) + 1, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(vectors[order[:cut]], labels[:cut], epochs=20, verbose=0)
    return model


def patient_b(model, rest, maps, labels):
    """Trains the wrapper, then `rest`, the last part of the base, too."""
    rest.trainable = False
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(maps, labels, epochs=10, verbose=0)

    rest.trainable = True
    for layer in rest.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    model.optimizer.learning_rate = 1e-4
    model.fit(maps, labels, epochs=3, verbose=0)
    return model
