"""What a backup says of itself, in a file beside the dump: what must be there after a restore."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mcu.keeping.checksums import Checksum
from mcu.keeping.programs import KeepingError


@dataclass(frozen=True)
class Manifest:
    """`made_at`: ISO; `files`: SHA-256 by name of what lies beside it; `roles`: to whom something is granted."""

    made_at: str
    database: str
    server_version: int
    files: Mapping[str, str]
    roles: tuple[str, ...]
    relations: Mapping[str, Checksum]
    sequences: Mapping[str, int | None]

    def write(self, path: Path) -> None:
        """Whole or not at all: a backup without its manifest is none."""
        half_written = path.with_name(path.name + ".new")
        half_written.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")
        half_written.chmod(0o600)
        half_written.rename(path)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises KeepingError if it is missing or damaged."""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            relations = {name: Checksum(**sums) for name, sums in said["relations"].items()}
            return cls(**{**said, "roles": tuple(said["roles"]), "relations": relations})
        except FileNotFoundError:
            raise KeepingError(f"{path} is missing: without it nobody can tell a whole backup from a part.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise KeepingError(f"{path} is damaged: {type(error).__name__}: {error}") from error

    def check_files(self, folder: Path) -> None:
        """Raises KeepingError naming the first file that is missing or not the one that was written."""
        for name, sha256 in self.files.items():
            path = folder / name
            if Path(name).name != name or not path.is_file():
                raise KeepingError(f"{path} is missing: it belongs to this backup.")
            if digest(path) != sha256:
                raise KeepingError(f"{path} is damaged: it is not the file that the backup wrote.")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
