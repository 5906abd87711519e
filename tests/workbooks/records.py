"""Make the records that the workbooks compile from: ``python -m tests.workbooks.records --minutes 5``.

Tunes SqueezeNet for the two kinds of vector registers that machines of this architecture have, and keeps of each task
what was found best; the rest would be ten times as large and of no use to a reader. Run it on a machine that does
nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from deploy_magics import tvm_tune
from deploy_magics.lowering.records import Records, merge

MODEL = "squeezenet"
FOLDER = Path(__file__).parents[2] / "workbooks" / "records" / MODEL
PROCESSORS = ("x86-64-v4", "x86-64-v3")
"""What many processors share, 32 registers of 16 numbers and 16 of 8 (x86-64 psABI, "Microarchitecture levels")."""


def main() -> int:
    """Tune, and write what is best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of tuning for each kind")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in PROCESSORS]
        for name, folder in zip(PROCESSORS, folders, strict=True):
            target = f"llvm -mcpu={name}"
            found = tvm_tune(MODEL, target=target, minutes=chosen.minutes, trials=100_000, records=folder)
            sys.stdout.write(f"{name}: {found.headline}\n")
        keep_best(merge(Path(scratch) / "all", *folders), FOLDER)
    return 0


def keep_best(found: Records, folder: Path) -> None:
    """Write to a new folder what of each session was found best, and what says so."""
    (folder / "records.jsonl").unlink(missing_ok=True)
    kept = Records.open(folder)
    for session in found.sessions.values():
        of = [trial for trial in found.trials if trial.session == session.id and trial.seconds]
        best = {}
        for trial in sorted(of, key=lambda each: (each.final, -each.best)):
            best[trial.task] = trial.point  # the last one stays: the best of those that were timed again
        kept.begin(session)
        for trial in of:
            if trial.point == best[trial.task]:
                kept.add(trial)


if __name__ == "__main__":
    sys.exit(main())
