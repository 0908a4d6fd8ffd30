"""What no seed knows is listed with where to add it, and goes once it is added there."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import dbt
from tests.integration.transform.test_publish_marts import fetch, run

pytestmark = pytest.mark.postgres

# A field of raw with an unknown value → the kind it is listed as, and the seed line that makes it known.
PLANTED = {
    ("pos", "stage", "Архив"): ("stage", "known_values values ('pos', 'stage', 'Архив')"),
    ("pos", "status", "На контроле"): ("status", "known_values values ('pos', 'status', 'На контроле')"),
    ("pos", "resolution_type", "Иное"): ("resolution_type", "known_values values ('pos', 'resolution_type', 'Иное')"),
    ("pos", "org_current", "ООО «Ромашка»"): (
        "current_organisation",
        "organisation_rules values ('ооо ромашка', '60704000', 100, '')",
    ),
    ("pos", "subcategory", "Новая"): ("topic", "topics values ('Дороги', 'Новая', false, 'Дороги → Новая')"),
    ("incident", "current_step", "Архив"): (
        "current_step",
        "known_values values ('incident', 'current_step', 'Архив')",
    ),
    ("incident", "incident_type", "Иной"): (
        "incident_type",
        "known_values values ('incident', 'incident_type', 'Иной')",
    ),
    ("incident", "outcome", "Иное"): ("outcome", "known_values values ('incident', 'outcome', 'Иное')"),
    ("incident", "post_url", "https://ivanov.example.org/1"): ("channel", "channels values ('example.org', 'vk')"),
    ("incident", "municipality", "Неведомый район"): (
        "municipality",
        "municipality_aliases values ('Неведомый район', '60704000')",
    ),
}
# Listed otherwise than as raw has it.
SHOWN = {"Новая": "Дороги → Новая", "https://ivanov.example.org/1": "example.org"}
RAW = {"pos": "raw.pos_message", "incident": "raw.incident"}


def listed(connection: Connection) -> dict[tuple[str, str], tuple[int, str]]:
    """Messages and where to add them, by kind and value."""
    rows = fetch(connection, "select kind, value, messages, add_to from marts_build.rpt_unmapped")
    return {(kind, value): (messages, add_to) for kind, value, messages, add_to in rows}


def test_what_is_listed_goes_once_its_seed_line_is_there(built: Connection, built_dsn: str, settings: Settings) -> None:
    for source, field, value in PLANTED:
        newest = f"select source_key from {RAW[source]} order by exported_at desc, source_key limit 1"
        run(built, f"update {RAW[source]} set {field} = '{value}' where source_key = ({newest})")
    unmapped = dbt.build(built_dsn, settings, ("+rpt_unmapped",), settings.state / "unmapped")
    assert unmapped.returncode == 0, unmapped.failures
    found = listed(built)
    for (_, _, value), (kind, seed_line) in PLANTED.items():
        messages, add_to = found[kind, SHOWN.get(value, value)]
        assert messages == 1
        assert f"seeds/{seed_line.split()[0]}.csv" in add_to

    for _, seed_line in PLANTED.values():
        run(built, f"insert into staging.{seed_line}")
    after = dbt.build(
        built_dsn,
        settings,
        ("int_place_match+,+rpt_unmapped", "int_channel_match+,+rpt_unmapped"),
        settings.state / "unmapped",
    )
    assert after.returncode == 0, after.failures
    left = listed(built)
    assert not left.keys() & {(kind, SHOWN.get(value, value)) for (_, _, value), (kind, _) in PLANTED.items()}
    assert left.keys() < found.keys(), "the rest stays"
