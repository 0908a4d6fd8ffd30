"""Exit 0 if a part of Airflow is alive: `healthcheck.py metadatabase|scheduler|triggerer|dag_processor`.

Asks the API server, which compares the part's last heartbeat with the clock. The `airflow jobs check`
command tells the same at the price of several seconds of processor time.
"""

import json
import sys
from urllib.request import urlopen

HEALTH_URL = "http://api-server:8080/api/v2/monitor/health"


def is_healthy(part: str) -> bool:
    """Raises OSError if the API server does not answer, KeyError for an unknown part."""
    with urlopen(HEALTH_URL, timeout=5) as answer:
        status = json.load(answer)[part]["status"]
    return bool(status == "healthy")


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
