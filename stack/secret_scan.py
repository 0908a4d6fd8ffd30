"""Passwords and keys in the repository it stands in, beside those that somebody has looked at (.secrets.baseline).

python -m stack.secret_scan [--accept]: fails on a new one; --accept takes all that is there into the baseline. A line
that moved is no news, as it is to the hook of detect-secrets; nothing is sent anywhere to be verified.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

BASELINE = ".secrets.baseline"
# Pins of packages are no place for secrets; the baseline holds digests of those that are known.
SKIPPED = {BASELINE, "requirements.txt", "bench/requirements.txt"}
HINT = f"Is it none? python -m stack.secret_scan --accept, and say in the commit of {BASELINE} what it is."


def main(arguments: list[str]) -> None:
    """Compare what is there with the baseline; exits 1 with a line for each new finding."""
    known = baseline.load(baseline.load_from_file(BASELINE))
    found = SecretsCollection()
    found.scan_files(*files())
    if arguments == ["--accept"]:
        baseline.save_to_file(found, BASELINE)
    elif new := findings(found, known):
        sys.exit("\n".join([*new, HINT]))


def findings(found: SecretsCollection, known: SecretsCollection) -> list[str]:
    """What `known` lacks, as «file:line: kind», never the secret itself."""
    new = (secret for name, secret in found if secret not in known.data.get(name, ()))
    return sorted(f"{secret.filename}:{secret.line_number}: {secret.type}" for secret in new)


def files() -> list[str]:
    """What git tracks, and what it would track: a secret is to be seen before it is committed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and name not in SKIPPED and Path(name).is_file()]


if __name__ == "__main__":
    main(sys.argv[1:])
