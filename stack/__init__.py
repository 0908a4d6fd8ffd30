"""The local stack: PostgreSQL, Airflow and a mail catcher on one machine, and the main job through them."""

import sys
from pathlib import Path

# Airflow puts the folder of the package `mcu` on the path of its own processes, nobody on that of these.
sys.path.append(str(Path(__file__).resolve().parents[1] / "plugins"))
