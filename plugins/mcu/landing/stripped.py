"""What is left of a row when its author is forgotten: SQL, field by field."""

from __future__ import annotations

from psycopg2 import sql

from mcu.sources import columns, personal

# Of these fields the facts need a part that tells of nobody: the social network, the mark.
PARTS = {
    "post_url": r"substring({} from '^(?:[a-zA-Z]+://)?(?:www\.)?(?:m\.)?(?:zen\.)?[a-zA-Z0-9-]+\.[a-zA-Z]+(?=[/:?#]|$)')",
    "closing_reason": r"""
        case
            when {0} ~ '^[1-5](\.0)?$' or btrim(regexp_replace(pii.plain({0}), '[^а-я]+', ' ', 'g')) = 'автор доволен'
                then {0}
        end
    """,
}

HIDDEN = "(скрыто)"

# What a value of the kind looks like; any other may be anything, a misplaced text too. Hidden it stays as unreadable.
FIGURE = r"({0} ~ '^[0-9 .,-]*$' or btrim(regexp_replace(pii.plain({0}), '[^а-я]+', ' ', 'g')) in ('да', 'нет'))"
LOOKS = {
    "date": "ops.to_local_date({0}) is not null",
    "timestamp": "ops.to_local_timestamp({0}) is not null",
    "duration": "ops.to_milliseconds({0}) is not null",
    **dict.fromkeys(("integer", "score", "boolean"), FIGURE),
}


def fields(source: str, row: str) -> dict[str, sql.Composable]:
    """SQL by field for what stays of it in the row `row`: texts that may hold a person, others are not named.

    An author's field is null or a part of it; of the other texts all stays but contacts, of dates and figures all that
    is one; officials stay.
    """
    left: dict[str, sql.Composable] = {}
    for field, kind in columns.load(source).types.items():
        column = sql.Identifier(row, field)
        if field in PARTS:
            left[field] = sql.SQL(PARTS[field]).format(column)
        elif field in personal.AUTHOR[source]:
            left[field] = sql.SQL("null::text")
        elif kind == "text" and field in personal.NOBODY[source]:
            left[field] = sql.SQL("ops.without_contacts({})").format(column)
        elif kind in LOOKS:
            looks = sql.SQL(LOOKS[kind]).format(column)
            left[field] = sql.SQL("case when {} is null or {} then {} else {} end").format(
                column, looks, column, sql.Literal(HIDDEN)
            )
    return left


def assignments(source: str, row: str) -> sql.Composed:
    """`field = what stays of it, …`, unknown columns included, for an update of the table called `row`."""
    left: dict[str, sql.Composable] = {**fields(source, row), "extra": sql.SQL("null")}
    return sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(field), stays) for field, stays in left.items())
