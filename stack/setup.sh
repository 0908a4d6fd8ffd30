#!/bin/sh
# Finds a Python that the platform runs on, by trying: a name on PATH may be a shim with nothing behind it.
set -eu
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for python in python3 python3.13 python3.12 python3.11; do
    if "$python" -c "$fits" 2>/dev/null; then
        exec "$python" -m stack.setup
    fi
done
echo "Python 3.11, 3.12 or 3.13 is needed; here: $(python3 --version 2>&1 || echo none)." >&2
echo "On Debian and Ubuntu: apt install python3 python3-venv" >&2
exit 1
