"""What this machine is: versions, device, memory, and how fast it multiplies."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time

import keras

from tlcourse._util import assets

# How many GPUs a backend sees.
COUNT_GPUS = {
    "tensorflow": "len(tensorflow.config.list_physical_devices('GPU'))",
    "jax": "sum(each.platform == 'gpu' for each in jax.devices())",
    "torch": "torch.cuda.device_count()",
}


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

        return _in_words(torch.cuda.device_count())
    names = keras.distribution.list_devices()
    return _in_words(sum(name.startswith("gpu") for name in names))


def _in_words(n_gpus):
    return f"GPU ({n_gpus})" if n_gpus else "CPU"


def other_devices():
    """What the backends that are installed, but not in use, compute on: dict."""
    found = {}
    for name in COUNT_GPUS.keys() - {keras.backend.backend()}:
        if importlib.util.find_spec(name):  # asked in a process of its own
            code = f"import {name}; print({COUNT_GPUS[name]})"
            said = _run(sys.executable, "-c", code).split()
            found[name] = _in_words(int(said[-1])) if said else None
    return found


def gpus():
    """What NVIDIA's driver says: list of (name, memory free, in all), as text."""
    query = "--query-gpu=name,memory.free,memory.total"
    lines = _run("nvidia-smi", query, "--format=csv,noheader").splitlines()
    return [line.rsplit(", ", 2) for line in lines if line.count(", ") >= 2]


def _run(*command):
    """What a command writes; nothing if it fails."""
    options = {"capture_output": True, "text": True, "check": True, "timeout": 60}
    try:
        return subprocess.run(command, **options).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


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
