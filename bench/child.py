"""One measured load, in a process of its own: python -m bench.child MODULE DSN FILE.

The clock runs from when the module is imported to when its `load(dsn, path)` returns. Prints a line of JSON: seconds,
peak_mb (of this process and the greatest of its own children), the parts that `load` names, and, if it stores
messages, `holds`: the table they are in and its key.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from importlib import import_module
from pathlib import Path


def main(module: str, dsn: str, path: str) -> None:
    contender = import_module(module)
    started = time.perf_counter()
    parts = contender.load(dsn, Path(path)) or {}
    seconds = time.perf_counter() - started
    holds = (contender.TABLE, contender.KEY) if hasattr(contender, "TABLE") else None
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "parts": parts, "holds": holds}))


def peak_mb() -> float:
    """MB of memory. Not ru_maxrss of this process, which begins at what its parent took."""
    status = Path("/proc/self/status").read_text()
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert peak
    return (int(peak[1]) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1000


if __name__ == "__main__":
    main(*sys.argv[1:])
