"""Training, its controls, probes and sweeps; the clinic; the frozen part once."""

from tlcourse.training.fitting import (
    ProgressLine,
    compile_for,
    embedder,
    linear_probe,
    probe_sweep,
    scratch_model,
    shipped_scratch,
    steps,
    train,
    train_from_scratch,
    vectors,
)
from tlcourse.training.once_frozen import fit_once_frozen

__all__ = [
    "ProgressLine",
    "compile_for",
    "embedder",
    "fit_once_frozen",
    "linear_probe",
    "probe_sweep",
    "scratch_model",
    "shipped_scratch",
    "steps",
    "train",
    "train_from_scratch",
    "vectors",
]
