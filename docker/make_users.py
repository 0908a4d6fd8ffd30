"""Makes the users of Airflow's page that are missing: an admin, an engineer, a viewer; `make_users.py SECRETS_FOLDER`.

Who is there already stays as he is, with his password: it is changed in the page.
"""

import sys
from pathlib import Path

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

# Name → role of Airflow: Op starts runs and keeps connections, Viewer only reads.
ROLES = {"admin": "Admin", "engineer": "Op", "viewer": "Viewer"}


def make(secrets: Path) -> None:
    """Raises SystemExit with the name of who could not be made."""
    with get_application_builder() as builder:
        manager = builder.sm
        for name, role in ROLES.items():
            password = (secrets / f"airflow_{name}_password").read_text().strip()
            is_there = manager.find_user(name)
            if not is_there and not manager.add_user(
                name, name, "mcu", f"{name}@mcu.invalid", manager.find_role(role), password
            ):
                sys.exit(f"The user {name} could not be made.")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
