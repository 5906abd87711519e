"""A kernel that tunes, as a process of its own: ``python -m tests.tuning.jobs RECORDS``; it says when it has begun."""

from __future__ import annotations

import sys

from deploy_magics.errors import Interrupted
from deploy_magics.progress import Progress, Tuning, reporting
from deploy_magics.steps.tvm_tune import tvm_tune


def say(*words: object) -> None:
    """Write a line at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Speaking:
    """Says how many trials there are."""

    def update(self, progress: Progress) -> None:
        """Print the number."""
        if isinstance(progress, Tuning):
            say(sum(row.trials for row in progress.tasks))

    def close(self) -> None:
        """Have nothing to take away."""


if __name__ == "__main__":
    try:
        with reporting(Speaking):
            tvm_tune("digits", trials=100_000, patience=100_000, records=sys.argv[1])
    except Interrupted as stopped:
        partial = stopped.partial
        say("stopped", partial and partial.status, partial and partial.meta["trials"])
