"""What a warehouse is made of, apart from its rows: to be compared with another one."""

from __future__ import annotations

from psycopg2.extensions import connection as Connection

SCHEMAS = ("stage", "raw", "ops", "pii", "bi")

# Kind of thing → query of (what it is, how it is). Not the order of columns, which depends on when each one came; nor
# what PostgreSQL made of a view's text, which depends on that order and is applied anew at every start anyhow.
QUERIES = {
    "schema": "select nspname, {acl} from pg_namespace as n where nspname in %(schemas)s",
    "relation": """
        select format('%%I.%%I', nspname, relname), concat_ws(' | ', relkind, relpersistence, reloptions::text, {acl},
            obj_description(c.oid, 'pg_class'))
        from pg_class as c join pg_namespace as n on n.oid = relnamespace where nspname in %(schemas)s
    """,
    "column": """
        select format('%%I.%%I.%%I', nspname, relname, attname), concat_ws(' | ', format_type(atttypid, atttypmod),
            attnotnull::text, attidentity, attcollation::regcollation::text, pg_get_expr(adbin, adrelid),
            col_description(c.oid, attnum))
        from pg_attribute as a
        join pg_class as c on c.oid = attrelid and relkind in ('r', 'v')
        join pg_namespace as n on n.oid = relnamespace
        left join pg_attrdef as d on adrelid = c.oid and adnum = attnum
        where nspname in %(schemas)s and attnum > 0 and not attisdropped
    """,
    "constraint": """
        select format('%%s %%I', conrelid::regclass, conname), pg_get_constraintdef(c.oid)
        from pg_constraint as c join pg_namespace as n on n.oid = connamespace where nspname in %(schemas)s
    """,
    "index": "select schemaname || '.' || indexname, indexdef from pg_indexes where schemaname in %(schemas)s",
    "function": """
        select p.oid::regprocedure::text, concat_ws(' | ', pg_get_functiondef(p.oid), {acl}, obj_description(p.oid))
        from pg_proc as p join pg_namespace as n on n.oid = pronamespace where nspname in %(schemas)s
    """,
}
ACL = {"schema": "nspacl", "relation": "relacl", "function": "proacl"}
# Who may do what, in one order whatever the order of the grants.
GRANTS = """(
    select string_agg(concat_ws(' ', coalesce(nullif(grantee, 0)::regrole::text, 'public'), privilege_type), ', '
        order by grantee, privilege_type) from aclexplode(%s)
)"""


def describe(connection: Connection) -> dict[tuple[str, str], str]:
    """Everything in the warehouse's own schemas: (kind, name) → its definition, grants and comment."""
    found = {}
    with connection, connection.cursor() as cursor:
        cursor.execute("set local search_path to ''")
        for kind, query in QUERIES.items():
            acl = GRANTS % ACL[kind] if kind in ACL else ""
            cursor.execute(query.replace("{acl}", acl), {"schemas": SCHEMAS})
            found.update({(kind, name): definition for name, definition in cursor.fetchall()})
    return found
