"""Exports in any order end in the same versions: random observations through the publishing SQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection

from mcu.landing import ledger, stage
from mcu.landing.known import KnownRows
from mcu.landing.publish import Publication, publish
from mcu.sources import columns
from mcu.sources.workbook import Row

pytestmark = pytest.mark.postgres

UTC = ZoneInfo("UTC")
FIELDS = list(columns.load("pos").types)
DAY_0 = dt.datetime(2026, 2, 1, tzinfo=UTC)


class Export(NamedTuple):
    """`content` by key as of a day; the hash of a content is its number."""

    day: int
    content: dict[str, int]


def digest(content: int) -> str:
    return f"{content:032x}"


def row(number: int, key: str | None, content: int) -> Row:
    values = [str(content) if field == "status" else None for field in FIELDS]
    return Row(number, key, digest(content), values, {"Новый": str(content)})


def row_digest(row: Row) -> bytes:
    return bytes.fromhex(row.content_hash[16:]) + str(row.source_key).encode().rjust(8, b"\0")[-8:]


def created_on(row: Row) -> dt.date:
    return dt.date(2026, 1, 1) + dt.timedelta(days=ord(str(row.source_key)[-1]) % 2)


def land(
    connection: Connection, day: int, rows: Sequence[Row], faults: dict[int, list[str]] | None = None
) -> Publication:
    """Stage and publish rows as one load, as of `day`; rows that the warehouse knows by their digest only by name."""
    exported_at = DAY_0 + dt.timedelta(days=day)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status) "
            "values ('pos', 'x', 'x', %s, 'file_name', 'running') returning load_id",
            (exported_at,),
        )
        ((load_id,),) = cursor.fetchall()
    known = KnownRows(connection, "pos", exported_at).find([row_digest(row) for row in rows])
    lines = [
        stage.known_line("pos", row.row_number, row_digest(row), known[i])
        if i in known
        else stage.new_line(row, row_digest(row), created_on(row))
        for i, row in enumerate(rows)
    ]
    stage.create(connection, "pos", load_id, lines, exported_at, UTC)
    with connection, connection.cursor() as cursor:
        ledger.note_days(cursor, load_id, Counter(map(created_on, rows)))
        return publish(cursor, "pos", load_id, exported_at, faults or {})


def land_export(connection: Connection, export: Export) -> Publication:
    return land(
        connection, export.day, [row(n, key, value) for n, (key, value) in enumerate(export.content.items(), 2)]
    )


def query(connection: Connection, statement: str) -> list[tuple]:  # type: ignore[type-arg]
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


History = dict[int, set[int]]  # contents by day


def stored(connection: Connection) -> dict[str, History]:
    """Versions by key; the stored fields must be those of the hash."""
    versions: dict[str, History] = defaultdict(lambda: defaultdict(set))
    for key, day, content_hash, status, extra in query(
        connection,
        "select source_key, (exported_at at time zone 'UTC')::date - date '2026-02-01', content_hash, status, extra "
        "from raw.pos_message",
    ):
        assert digest(int(status)) == content_hash
        assert extra == {"Новый": status}
        versions[key][day].add(int(status))
    return versions


def expected(exports: Sequence[Export]) -> dict[str, History]:
    """The definition: a day on which a key showed nothing but what was known before it adds no version."""
    seen: dict[str, History] = defaultdict(lambda: defaultdict(set))
    for export in exports:
        for key, content in export.content.items():
            seen[key][export.day].add(content)
    return {key: without_repeats(history) for key, history in seen.items()}


def without_repeats(history: History) -> History:
    kept: History = {}
    known: int | None = None
    for day in sorted(history):
        if history[day] != {known}:
            kept[day] = set(history[day])
            known = max(history[day])
    return kept


def check(connection: Connection, exports: Sequence[Export]) -> None:
    """Facts, ledger and last sightings are those of the set of exports."""
    assert {key: without_repeats(history) for key, history in stored(connection).items()} == expected(exports)
    assert query(
        connection,
        "select count(*) from ops.load where rows_read <> rows_new + rows_changed + rows_unchanged + rows_quarantined",
    ) == [(0,)]
    assert query(connection, "select sum(rows_read) from ops.load") == [(sum(len(e.content) for e in exports),)]
    assert query(connection, "select sum(rows_new + rows_changed) from ops.load") == query(
        connection, "select count(*) from raw.pos_message"
    )
    last_seen: dict[str, int] = {}
    for export in exports:
        for key in export.content:
            last_seen[key] = max(last_seen.get(key, 0), export.day)
    assert (
        dict(
            query(
                connection,
                "select source_key, (last_seen_exported_at at time zone 'UTC')::date - date '2026-02-01'"
                " from raw.last_seen",
            )
        )
        == last_seen
    )
    assert query(connection, "select count(*) from pg_tables where schemaname = 'stage'") == [(0,)]
    assert query(
        connection,
        "select min(rows_unexplained), max(rows_unexplained), count(distinct load_id) from ops.reconciliation",
    ) == [(0, 0, 1)]


def test_a_message_that_is_not_held_is_seen(warehouse: Connection) -> None:
    land_export(warehouse, Export(1, {"a": 1, "b": 1, "c": 1}))
    days = "select created_on::text, rows_in_export, messages_held, rows_unexplained from ops.reconciliation order by 1"
    assert query(warehouse, days) == [("2026-01-01", 1, 1, 0), ("2026-01-02", 2, 2, 0)]
    query(warehouse, "delete from raw.last_seen where source_key = 'c'; select")
    assert query(warehouse, days) == [("2026-01-01", 1, 1, 0), ("2026-01-02", 2, 1, 1)]


exports_in_any_order = st.lists(
    st.builds(
        Export,
        st.integers(1, 4),
        st.dictionaries(st.sampled_from("ab"), st.integers(1, 3), min_size=1),
    ),
    min_size=2,
    max_size=7,
).flatmap(lambda exports: st.tuples(st.just(exports), st.permutations(exports)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exports_in_any_order)
def test_any_order_gives_the_same_versions(
    warehouse: Connection, orders: tuple[Sequence[Export], Sequence[Export]]
) -> None:
    for order in orders:
        query(warehouse, "truncate ops.load, raw.last_seen restart identity cascade; select")
        for export in order:
            land_export(warehouse, export)
        check(warehouse, order)


def test_in_order_arrival_stores_no_repeats(warehouse: Connection) -> None:
    exports = [
        Export(1, {"a": 1, "b": 1}),
        Export(2, {"a": 1, "b": 2}),
        Export(3, {"a": 1, "b": 2}),
        Export(4, {"a": 3}),
    ]
    done = [land_export(warehouse, export) for export in exports]
    assert [(d.new, d.changed, d.unchanged) for d in done] == [(2, 0, 0), (0, 1, 1), (0, 0, 2), (0, 1, 0)]
    assert stored(warehouse) == expected(exports) == {"a": {1: {1}, 4: {3}}, "b": {1: {1}, 2: {2}}}


def test_a_known_row_is_known_by_its_newest_export_only(warehouse: Connection) -> None:
    def known(day: int) -> list[str]:
        rows = [row(2, "a", 1), row(3, "a", 2), row(4, "b", 1), row(5, "c", 1)]
        found = KnownRows(warehouse, "pos", DAY_0 + dt.timedelta(days=day)).find([row_digest(r) for r in rows])
        return [f"{found[i].source_key}{int(found[i].content_hash, 16)}" for i in sorted(found)]

    land_export(warehouse, Export(2, {"a": 1, "b": 1}))
    assert (known(1), known(2), known(3)) == ([], ["a1", "b1"], ["a1", "b1"])
    land_export(warehouse, Export(3, {"a": 2}))
    assert (known(2), known(3)) == (["b1"], ["a2", "b1"])


def test_a_known_row_that_meets_another_content_in_its_file_is_as_whole_as_that(warehouse: Connection) -> None:
    land_export(warehouse, Export(1, {"a": 1, "b": 1}))
    done = land(warehouse, 2, [row(2, "a", 1), row(3, "a", 2), row(4, "b", 1)], {2: ["конфликт"], 3: ["конфликт"]})
    assert (done.unchanged, done.quarantined) == (1, 2)
    assert query(warehouse, "select row_number, payload from ops.quarantine order by row_number") == [
        (2, {"source_key": "a", "status": "1", "extra": {"Новый": "1"}}),
        (3, {"source_key": "a", "status": "2", "extra": {"Новый": "2"}}),
    ]


def test_back_to_an_earlier_content(warehouse: Connection) -> None:
    exports = [Export(1, {"a": 1}), Export(2, {"a": 2}), Export(3, {"a": 1})]
    for export in exports:
        land_export(warehouse, export)
    assert stored(warehouse) == {"a": {1: {1}, 2: {2}, 3: {1}}}
    check(warehouse, exports)


def test_late_export_between_two_equal_ones(warehouse: Connection) -> None:
    for export in (Export(1, {"a": 1}), Export(3, {"a": 1}), Export(4, {"a": 1})):
        land_export(warehouse, export)
    assert land_export(warehouse, Export(2, {"a": 2})).changed == 1
    assert stored(warehouse) == {"a": {1: {1}, 2: {2}, 3: {1}}}
    assert query(warehouse, "select load_id, rows_changed, rows_unchanged from ops.load order by load_id") == [
        (1, 0, 0),
        (2, 1, 0),
        (3, 0, 1),
        (4, 1, 0),
    ], "the sighting of the third day became a version"
    assert query(warehouse, "select load_id, row_number from raw.pos_message where exported_at = '2026-02-04+00'") == [
        (2, None)
    ]


@pytest.mark.parametrize("contents", [(1, 2), (2, 1)])
def test_two_contents_at_one_moment_the_greater_hash_counts(warehouse: Connection, contents: tuple[int, int]) -> None:
    first, second = (Export(1, {"a": content, "b": 5}) for content in contents)
    assert land_export(warehouse, first).contradicted == ()
    assert land_export(warehouse, second).contradicted == ("a",)
    assert stored(warehouse) == {"a": {1: {1, 2}}, "b": {1: {5}}}
    done = land_export(warehouse, Export(2, {"a": 2, "b": 5}))
    assert (done.changed, done.unchanged) == (0, 2), "2 is what counts since the first day"


def test_a_key_twice_with_one_content_counts_as_unchanged(warehouse: Connection) -> None:
    done = land(warehouse, 1, [row(2, "a", 1), row(3, "a", 1), row(4, "b", 1)])
    assert (done.read, done.new, done.unchanged, done.quarantined) == (3, 2, 1, 0)


def test_quarantined_rows_are_no_observations(warehouse: Connection) -> None:
    rows = [row(2, "a", 1), row(3, None, 1), row(4, "b", 2)]
    done = land(warehouse, 1, rows, {3: ["Нет номера"], 4: ["раз", "два"]})
    assert (done.read, done.new, done.unchanged, done.quarantined) == (3, 1, 0, 2)
    assert set(stored(warehouse)) == {"a"}
    assert query(warehouse, "select source_key from raw.last_seen") == [("a",)]
    assert query(
        warehouse, "select row_number, source_key, reasons, payload from ops.quarantine order by row_number"
    ) == [
        (3, None, ["Нет номера"], {"status": "1", "extra": {"Новый": "1"}}),
        (4, "b", ["раз", "два"], {"source_key": "b", "status": "2", "extra": {"Новый": "2"}}),
    ]


def test_a_publication_that_breaks_leaves_nothing(warehouse: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    land_export(warehouse, Export(1, {"a": 1}))

    def break_off(_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("mcu.landing.publish._Statements.close_ledger", break_off)
    with pytest.raises(RuntimeError, match="power cut"):
        land_export(warehouse, Export(2, {"a": 2}))
    assert stored(warehouse) == {"a": {1: {1}}}
    assert query(warehouse, "select last_seen_exported_at from raw.last_seen") == [(DAY_0 + dt.timedelta(days=1),)]
    assert query(warehouse, "select status, rows_read from ops.load order by load_id") == [
        ("published", 1),
        ("running", 0),
    ]


TRICKY = [
    "\\",
    "\\N",
    "\\.",
    "\n",
    "\r",
    "\r\n",
    "\t",
    '"',
    '""',
    ",",
    "'",
    " ",
    "\x01",
    "\ufeff",
    "😀",
    "й" * 32_767,
    "{}",
    "NULL",
]


def test_any_text_survives_copy(warehouse: Connection) -> None:
    rows = [
        Row(n, f"key{value}", digest(n), [value if field == "status" else None for field in FIELDS], {value: value})
        for n, value in enumerate([*TRICKY, "".join(TRICKY[:-3])], 2)
    ]
    land(warehouse, 1, rows)
    found = query(warehouse, "select source_key, status, extra from raw.pos_message")
    assert sorted(found) == sorted((r.source_key, r.values[FIELDS.index("status")], r.extra) for r in rows)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=1))
def test_random_texts_survive_copy(warehouse: Connection, texts: list[str]) -> None:
    query(warehouse, "truncate ops.load, raw.last_seen restart identity cascade; select")
    rows = [
        Row(n, str(n), digest(n), [value if field == "status" else None for field in FIELDS], {value: value})
        for n, value in enumerate(texts)
    ]
    land(warehouse, 1, rows)
    found = query(warehouse, "select row_number, status, extra from raw.pos_message order by row_number")
    assert found == [(n, value, {value: value}) for n, value in enumerate(texts)]
