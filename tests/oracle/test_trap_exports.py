"""The oracle against what was reckoned by hand for each trap, on the exports that the product is compared on."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.oracle.exports import read_folder
from tests.oracle.tables import KEYS, Row, Tables, compute
from tests.oracle.trap_exports import ERAS, Written, write_exports


@pytest.fixture(scope="module", params=range(len(ERAS)), ids=lambda seed: str(ERAS[seed]))
def computed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Written, Path, Tables]:
    folder = tmp_path_factory.mktemp("exports")
    written = write_exports(folder, seed=request.param)
    return written, folder, compute(folder)


def test_every_trap_ends_as_reckoned_by_hand(computed: tuple[Written, Path, Tables]) -> None:
    written, _, tables = computed
    wrong = []
    traps = [(source, story) for source, stories in written.stories.items() for story in stories if story.trap]
    for source, story in traps:
        found: Row | None = tables["fct_message"].get((f"{source}:{story.key}",))
        if story.expected is None or found is None:
            if story.expected is not None or found is not None:
                wrong.append(f"{source}: {story.trap}: expected {story.expected}, found {found}")
            continue
        known = found | {"source_key": story.key}
        wrong += [
            f"{source}: {story.trap}: {column}: expected {value}, found {known[column]}"
            for column, value in story.expected.items()
            if known[column] != value
        ]
    assert len(traps) > 200
    assert not wrong, "\n".join(wrong)


def test_every_history_has_the_events_reckoned_by_hand(computed: tuple[Written, Path, Tables]) -> None:
    written, _, tables = computed
    found = defaultdict(list)
    for (message_id, event, _), row in tables["fct_message_event"].items():
        found[message_id].append((event, row["event_at"], row["value_before"], row["value_after"]))
    histories = [
        (f"{source}:{story.key}", story)
        for source, stories in written.stories.items()
        for story in stories
        if story.events is not None
    ]
    assert len(histories) >= 10
    for message_id, story in histories:
        assert sorted(found[message_id], key=str) == sorted(story.events or (), key=str), story.trap


def test_every_event_occurs(computed: tuple[Written, Path, Tables]) -> None:
    both = {"created", "assigned", "first_answer", "closed", "reopened", "rated"}
    both |= {"topic_changed", "authority_changed", "municipality_changed"}
    occur = {(row["source"], event) for (_, event, _), row in computed[2]["fct_message_event"].items()}
    assert occur == {(source, event) for source in ("pos", "incident") for event in both} | {
        ("incident", "satisfaction_step"),
        ("pos", "reconsidered"),
    }


def test_every_faulty_row_is_quarantined_for_its_own_reason(computed: tuple[Written, Path, Tables]) -> None:
    _, folder, _ = computed
    reasons = {(e.source, reason) for e in read_folder(folder) for _, reason in e.quarantined}
    for source in ("pos", "incident"):
        for reason in ("no key", "no creation date", "answered before created", "same key, different content"):
            assert (source, reason) in reasons
        assert any(r.startswith("cannot be read as a date") for s, r in reasons if s == source)
    assert ("incident", "created after the export") in reasons
    assert ("pos", "received after the export") in reasons


def test_every_table_has_rows_and_every_count_occurs(computed: tuple[Written, Path, Tables]) -> None:
    tables = computed[2]
    assert set(tables) == set(KEYS)
    never: list[str] = []
    for name, table in tables.items():
        assert len(table) > 10, name
        columns = next(iter(table.values()))
        never += [f"{name}.{column}" for column in columns if not any(row[column] for row in table.values())]
        never += [
            f"{name}.{column} is never null"
            for column in columns
            if column.endswith(("_prev", "_delta", "_pct", "_prev_day", "_prev_week"))
            and all(row[column] is not None for row in table.values())
        ]
    assert not never


def test_every_zone_occurs(computed: tuple[Written, Path, Tables]) -> None:
    zones = {
        row["zone"] for name in ("rpt_weekly_region", "rpt_weekly_municipality") for row in computed[2][name].values()
    }
    assert zones == {"green", "yellow", "red", "few", None}


def test_shares_and_bases_on_the_border(computed: tuple[Written, Path, Tables]) -> None:
    table = computed[2]["rpt_weekly_municipality"]
    weeks = sorted({str(week) for week, _, _ in table})
    by_name = {(str(week), oktmo): row for (week, oktmo, source), row in table.items() if source == "incident"}
    zones = {"60707000": "green", "60727000": "yellow", "60715000": "yellow", "60718000": "few", "60737000": "green"}
    fourth, fifth = weeks[4], weeks[5]
    assert {oktmo: by_name[fourth, oktmo]["zone"] for oktmo in zones} == zones
    assert by_name[fourth, "60707000"]["on_time_share"] == 0.95
    assert by_name[fifth, "60650000"]["answered"] == 5
    assert by_name[fifth, "60650000"]["on_time_share"] is None
    assert by_name[fifth, "60650000"]["zone"] is None
    assert by_name[fifth, "60707000"]["received_delta_pct"] == -85
    assert by_name[fifth, "60727000"]["received_delta_pct"] is None
    assert by_name[fifth, "60727000"]["received_delta"] == -16
    assert by_name[fifth, "60718000"]["received_prev"] == 4


def test_the_region_is_the_sum_of_its_parts(computed: tuple[Written, Path, Tables]) -> None:
    tables = computed[2]
    for (week, source), row in tables["rpt_weekly_region"].items():
        for column in ("received", "answered", "answered_on_time", "became_overdue", "open_at_end", "overdue_at_end"):
            parts = [
                r[column] for (w, _, s), r in tables["rpt_weekly_municipality"].items() if (w, s) == (week, source)
            ]
            assert len(parts) == 56
            assert sum(int(str(part)) for part in parts) == row[column]


def test_the_horizons_differ_by_source(computed: tuple[Written, Path, Tables]) -> None:
    days = {(source, day) for (day, oktmo, source) in computed[2]["rpt_daily_summary"] if oktmo == "all"}
    last = {s: max(str(d) for source, d in days if source == s) for s in ("pos", "incident", "all")}
    first = {s: min(str(d) for source, d in days if source == s) for s in ("pos", "incident", "all")}
    assert last["pos"] < last["incident"]
    assert first["pos"] < first["incident"]
    assert last["all"] == last["pos"]
    assert first["all"] == first["incident"]
