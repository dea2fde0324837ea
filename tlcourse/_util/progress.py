"""Progress bars of tqdm, with the same options everywhere."""

import sys

from tqdm import tqdm

FORMAT = (
    "{desc}: {percentage:3.0f}%|{bar:12}| {n_fmt} of {total_fmt} {unit}, "
    "{remaining} left{postfix}"
)


class Bar(tqdm):
    """tqdm without its watching thread, which a process that forks must not have."""

    monitor_interval = 0


def bar(total, what, unit="images", **options):
    """A `tqdm` bar on stdout, where a notebook does not show it as an error in red.

    It appears only if the work takes more than two seconds (`delay`). Once full it
    shows no times, so what a notebook stores stays the same.
    """
    chosen = {"delay": 2, "mininterval": 0.5, "bar_format": FORMAT} | options
    return Bar(total=total, desc=what, unit=unit, file=sys.stdout, **chosen)
