"""What this machine is: versions, device, memory, and how fast it multiplies."""

import importlib.metadata
import os
import platform
import shutil
import time

import keras

from tlcourse._util import assets


def report():
    """What a lesson runs on: dict, a name such as `"memory"` to a string."""
    import psutil

    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(os.path.expanduser("~"))
    backend = keras.backend.backend()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Keras": keras.__version__,
        "backend": f"{backend} {importlib.metadata.version(backend)}",
        "device": device(),
        "CPU cores": str(os.cpu_count()),
        "memory": f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free",
        "disk": f"{disk.free / 1e9:.0f} GB free",
        "Keras's cache": str(assets.keras_weights_folder()),
        "datasets": str(assets.tfds_folder()),
    }


def device():
    """What Keras computes on: `"CPU"`, or `"GPU"` with its count."""
    if keras.backend.backend() == "torch":  # Keras 3 does not list its devices
        import torch

        found = torch.cuda.device_count()
    else:
        names = keras.distribution.list_devices()
        found = sum(name.startswith("gpu") for name in names)
    return f"GPU ({found})" if found else "CPU"


def flop_per_second():
    """Measures a matrix product, the work that networks mostly are.

    Returns:
        Float, float32 multiplications and additions per second.
    """
    side, seconds = 1536, []
    matrix = keras.ops.ones((side, side))
    for _ in range(6):  # the first one warms up
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix))
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds[1:])
