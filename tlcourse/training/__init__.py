"""Training, its controls, probes and sweeps; the clinic; the frozen part once."""

from tlcourse.training.fitting import ProgressLine, compile_for, steps, train
from tlcourse.training.once_frozen import fit_once_frozen
from tlcourse.training.probes import (
    embedder,
    linear_probe,
    position_probes,
    probe_sweep,
    vectors,
)
from tlcourse.training.shipped import shipped_gains, shipped_grid, shipped_scratch

__all__ = [
    "ProgressLine",
    "compile_for",
    "embedder",
    "fit_once_frozen",
    "linear_probe",
    "position_probes",
    "probe_sweep",
    "shipped_gains",
    "shipped_grid",
    "shipped_scratch",
    "steps",
    "train",
    "vectors",
]
