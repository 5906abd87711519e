"""Numbers that steps take as options, checked before any work."""

from __future__ import annotations

from deploy_magics.errors import ArgumentError


def check_counts(**counts: int | None) -> None:
    """Refuse counts below one.

    Parameters
    ----------
    **counts
        By the option's name, dashes written as underscores; None where an option was not given.

    Raises
    ------
    ArgumentError
        Which option, and what it takes.
    """
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ArgumentError(f"--{name.replace('_', '-')} must be at least 1, not {count}")


def check_amounts(**amounts: float | None) -> None:
    """Refuse times and sizes that are not above zero and finite; see :func:`check_counts`.

    Examples
    --------
    >>> check_amounts(memory=None, run_timeout=-1.0)
    Traceback (most recent call last):
    deploy_magics.errors.ArgumentError: --run-timeout must be above 0, not -1
    """
    for name, amount in amounts.items():
        if amount is not None and not 0 < amount < float("inf"):
            raise ArgumentError(f"--{name.replace('_', '-')} must be above 0, not {amount:g}")


def check_tolerance(tolerance: float | None) -> None:
    """Refuse a tolerance that is no share of an output's range; see :mod:`deploy_magics.verifying`.

    Raises
    ------
    ArgumentError
        What it takes.
    """
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise ArgumentError(f"--tolerance is a share of the output's range, 0 or more, not {tolerance:g}")


__all__ = ["check_amounts", "check_counts", "check_tolerance"]
