"""What the main job says while it works, and how much memory the stack takes meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import psutil

from stack.local import LocalStack
from stack.process import family_of
from stack.services import running_services

MEMORY_EVERY_SECONDS = 5.0
SAY_EVERY_SECONDS = 5.0


@dataclass
class Progress:
    """Lines with the time since the start. `peak_bytes`: the most memory seen so far, shared pages counted once."""

    stack: LocalStack
    started: float = field(default_factory=time.monotonic)
    peak_bytes: int = 0
    _last_text: str = ""
    _last_said: float = 0.0
    _last_measured: float = 0.0

    def say(self, text: str) -> None:
        """Print a line now."""
        self._last_text, self._last_said = text, time.monotonic()
        print(f"{self.elapsed():>6}  {text}", flush=True)

    def tick(self, text: str) -> None:
        """Print a line if it is news and the last one is some seconds old; measure the memory now and then."""
        now = time.monotonic()
        if text != self._last_text and now - self._last_said >= SAY_EVERY_SECONDS:
            self.say(text)
        if now - self._last_measured >= MEMORY_EVERY_SECONDS:
            self._last_measured = now
            self.measure()

    def elapsed(self) -> str:
        """Since the start, m:ss."""
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        return f"{minutes}:{seconds:02}"

    def measure(self) -> int:
        """Bytes that all processes of the stack take now."""
        processes = list(running_services(self.stack.state))
        if pid := self.stack.cluster.pid():
            processes.append(psutil.Process(pid))
        members = {member for process in processes for member in family_of(process)}
        used = sum(map(_own_bytes, members))
        self.peak_bytes = max(self.peak_bytes, used)
        return used


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:  # PostgreSQL's processes, when root itself may not look into them
        return int(process.memory_info().rss)
