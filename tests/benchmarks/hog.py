"""A bursty program: busy and idle in turn, each for 0.05 to 1 s at random, until its input is closed."""

from __future__ import annotations

import os
import random
import sys
import threading
import time


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    rng = random.Random(int(sys.argv[1]))
    while True:
        end = time.monotonic() + rng.uniform(0.05, 1.0)
        while time.monotonic() < end:
            sum(range(1000))
        time.sleep(rng.uniform(0.05, 1.0))


if __name__ == "__main__":
    main()
