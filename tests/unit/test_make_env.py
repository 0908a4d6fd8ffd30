"""docker/make_env.sh: fresh secrets, written once."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = "# kept\nPOSTGRES_PASSWORD=\nAIRFLOW_JWT_SECRET=\nAIRFLOW_FERNET_KEY=\nMCU_REGION=\nREDIS_PASSWORD=own\n"


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker/make_env.sh", tmp_path / "docker")
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return tmp_path


def make_env(installation: Path) -> int:
    return subprocess.run([installation / "docker/make_env.sh"], capture_output=True, check=False).returncode


def values(installation: Path) -> dict[str, str]:
    lines = (installation / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_secrets_are_filled_and_the_rest_is_kept(installation: Path) -> None:
    assert make_env(installation) == 0
    env = values(installation)
    assert len(bytes.fromhex(env["POSTGRES_PASSWORD"])) == 32
    assert len(bytes.fromhex(env["AIRFLOW_JWT_SECRET"])) == 32
    assert len(base64.urlsafe_b64decode(env["AIRFLOW_FERNET_KEY"])) == 32
    assert (env["MCU_REGION"], env["REDIS_PASSWORD"]) == ("", "own")
    assert stat.S_IMODE((installation / ".env").stat().st_mode) == 0o600


def test_secrets_differ(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = shutil.copytree(installation, tmp_path_factory.mktemp("other") / "installation")
    assert make_env(installation) == make_env(other) == 0
    secrets = [v for e in (values(installation), values(other)) for k, v in e.items() if v and k != "REDIS_PASSWORD"]
    assert len(secrets) == len(set(secrets)) == 6


def test_existing_env_is_never_touched(installation: Path) -> None:
    (installation / ".env").write_text("POSTGRES_PASSWORD=mine\n")
    assert make_env(installation) != 0
    assert (installation / ".env").read_text() == "POSTGRES_PASSWORD=mine\n"
