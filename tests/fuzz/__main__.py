"""Feeds an engine of its own with broken input, and says what became of it.

Its last line is one JSON object: ``cases``, ``alive``, ``sessions_leaked`` (connections that the
engine still holds when all clients have left), ``memory_mib_before`` and ``memory_mib_after``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from tests.fuzz.target import Target

_WARM_UP_CASES = 200
_ALIVE_EVERY = 100
_SETTLING_S = 60.0


def main(arguments: list[str]) -> int:
    """Run for the time that is asked for; 0 where the engine lives and has let everything go."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = EngineHome(Path(folder) / "local")
        start(home, EngineSettings(port=0, workers=1))
        try:
            report = _run(home, options.minutes, options.seed)
        finally:
            stop(home)
    print(json.dumps(report))
    return 0 if report["alive"] and not report["sessions_leaked"] else 1


def _run(home: EngineHome, minutes: float, seed: int) -> dict[str, object]:
    target = Target(home, seed)
    target.prepare()
    for _ in range(_WARM_UP_CASES):
        target.one_case()
    target.close_clients()
    sockets, memory = target.sockets(), target.memory_mib()
    cases, alive = 0, True
    deadline = time.monotonic() + minutes * 60
    while alive and time.monotonic() < deadline:
        target.one_case()
        cases += 1
        if cases % _ALIVE_EVERY == 0:
            alive = target.is_alive()
            print(f"{cases} cases, {target.memory_mib()} MiB", file=sys.stderr, flush=True)
    target.close_clients()
    alive = alive and target.is_alive()
    settled = time.monotonic() + _SETTLING_S
    while target.sockets() > sockets and time.monotonic() < settled:
        time.sleep(1.0)
    return {
        "cases": cases,
        "by_kind": target.cases_by_kind,
        "seed": seed,
        "alive": alive,
        "unanswered": target.unanswered,
        "sessions_leaked": max(0, target.sockets() - sockets),
        "memory_mib_before": memory,
        "memory_mib_after": target.memory_mib(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
