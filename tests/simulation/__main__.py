"""python -m tests.simulation SEED [SEED ...] | --last N [--first N] [--story]

Runs seeds and prints one line each; exit status 1 if any does not hold. A seed runs the same in
every process: what Python and protobuf draw at a process's start (hash seeds, addresses) is
fixed by starting anew with both switched off.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import sys
import time

_NO_RANDOM_ADDRESSES = 0x0040000  # ADDR_NO_RANDOMIZE, personality(2)


def fixed() -> None:
    """Replace the process by one without chance, once."""
    if os.environ.get("PYTHONHASHSEED") == "0" and os.environ.get("SIMULATION_FIXED"):
        return
    libc = ctypes.CDLL(None)
    libc.personality(libc.personality(0xFFFFFFFF) | _NO_RANDOM_ADDRESSES)
    environment = {**os.environ, "PYTHONHASHSEED": "0", "SIMULATION_FIXED": "1"}
    os.execve(
        sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], environment
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="*", type=int)
    parser.add_argument("--last", type=int, default=0, help="all from --first up to this one")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="every how many-th of them")
    parser.add_argument("--mutant", default="", help="break the product so (see mutants)")
    parser.add_argument("--until-failure", action="store_true", help="the first one ends it")
    parser.add_argument("--story", action="store_true", help="tell what happened")
    parser.add_argument("--log", default="CRITICAL", help="the product's own log, from this level")
    options = parser.parse_args()
    fixed()
    logging.basicConfig(level=options.log, format="%(name)s %(levelname)s %(message)s")
    from tests.simulation.mutants import MUTANTS
    from tests.simulation.world import run_seed

    if options.mutant:
        MUTANTS[options.mutant]()
    seeds = options.seed or range(options.first, options.last + 1, options.step)
    failed = 0
    for seed in seeds:
        begun = time.perf_counter()
        story = run_seed(seed)
        took = time.perf_counter() - begun
        verdict = "FAILED" if story.violations else "ok"
        print(
            f"seed {seed} {verdict} {story.digest} {story.commits} commits"
            f" {story.seconds:.0f} s in {took:.2f} s",
            flush=True,
        )
        if options.story:
            print(*story.lines, sep="\n")
        for violation in story.violations:
            print(f"  {violation}")
        if story.violations:
            failed += 1
            print(f"  replay: python -m tests.simulation {seed} --story")
            if options.until_failure:
                break
    if len(seeds) > 1:
        print(f"{failed} of {len(seeds)} seeds failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
