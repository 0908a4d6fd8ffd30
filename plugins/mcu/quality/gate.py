"""Great Expectations over tables of the warehouse: suites as JSON, SQL pushed down, nothing pulled but failing rows.

The library takes seconds to import: it is imported where it is used, never while a DAG is parsed.
"""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn
from psycopg2.extras import Json, execute_values

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

CRITICAL = "critical"
WARNING = "warning"
MISSING = "…"
KEPT_RESULTS = 20  # of a suite, in Data Docs: their index page reads all of them
SCHEMA = "stage"  # of the views that the library is given

# Even in the COMPLETE format the library names only as many failing rows as this says, 20 if it says nothing.
EVERY_ROW = 2**31 - 1
OBSERVED = "observed"  # in a sentence: what an expectation of a whole table saw
SHOWN_CHARACTERS = 100
SHOWN_VALUES = 20
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class GateError(Exception):
    """An expectation could not be evaluated: the suite or the table is wrong, not the data."""


@dataclass(frozen=True)
class Outcome:
    """What one expectation said of one batch.

    `template`: the sentence with columns in braces; `failed_rows`: index columns of every failing row, if asked for.
    """

    suite: str
    batch: str
    expectation: str
    column_name: str | None
    severity: str
    dimension: str
    sentence: str
    is_passed: bool
    rows_checked: int | None = None
    rows_failed: int | None = None
    observed: Mapping[str, Any] | None = None
    template: str = ""
    failed_rows: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


def warning(
    suite: str, batch: str, expectation: str, dimension: str, sentence: str, column_name: str | None = None
) -> Outcome:
    """A warning about a batch that needs no query."""
    return Outcome(suite, batch, expectation, column_name, WARNING, dimension, sentence, is_passed=False)


class Gate:
    """Validates batches of one warehouse. `results`: the last of each suite, which Data Docs are made of."""

    def __init__(self, dsn: str) -> None:
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        )
        context = gx.get_context(project_config=config, mode="ephemeral")
        self._warehouse = context.data_sources.add_postgres(
            "warehouse", connection_string=_sqlalchemy_url(dsn), create_temp_table=False
        )
        self._numbers = count(1)
        self._results: dict[str, deque[ExpectationSuiteValidationResult]] = defaultdict(
            lambda: deque(maxlen=KEPT_RESULTS)
        )

    @property
    def results(self) -> list[ExpectationSuiteValidationResult]:
        return [result for results in self._results.values() for result in results]

    def validate(
        self,
        suite: Path,
        query: str,
        batch: str,
        parameters: Mapping[str, Any] | None = None,
        index: Sequence[str] = (),
    ) -> list[Outcome]:
        """Ask every expectation of the JSON file `suite` about the rows of `query`, called `batch` in the results.

        `parameters`: values of `{"$PARAMETER": name}` in the suite, sentences may name them too; what depends on one
        that is None is not asked. `index`: columns that tell a row: with them every row that fails a critical
        expectation is named.
        Raises GateError if an expectation cannot be evaluated.
        """
        parameters = dict(parameters or {})
        name, expectations = _read(suite, parameters)
        with self._view(query) as view:
            return self._validate_view(name, expectations, view, batch, parameters, index)

    def _validate_view(
        self,
        name: str,
        expectations: list[dict[str, Any]],
        view: str,
        batch: str,
        parameters: dict[str, Any],
        index: Sequence[str],
    ) -> list[Outcome]:
        # Data Docs take the name for HTML.
        asset = self._warehouse.add_table_asset(f"{next(self._numbers)} · {html.escape(batch, quote=False)}", view)
        rows = asset.add_batch_definition_whole_table("all").get_batch()
        ask = partial(_ask, rows, name, parameters)
        result = ask(expectations, "BOOLEAN_ONLY")  # a few queries for all of them, not a few for each
        failed = {_sentence(entry) for entry in result.results if not entry.success}
        details: dict[str, Any] = {}
        for is_critical in (True, False):
            asked = [e for e in expectations if _is_critical(e) == is_critical and e["meta"]["sentence"] in failed]
            if asked:
                result_format = _every_row(index, asked) if is_critical and index else "SUMMARY"
                details |= {_sentence(entry): entry for entry in ask(asked, result_format).results}
        self._warehouse.delete_asset(asset.name)
        result.results = [details.get(_sentence(entry), entry) for entry in result.results]
        self._results[name].append(result)
        rows_checked = self._run(f"select count(*) from {SCHEMA}.{view}")[0][0]
        return [_outcome(name, batch, rows_checked, entry) for entry in result.results]

    @contextmanager
    def _view(self, query: str) -> Iterator[str]:
        """The query as a view: of a bare query the library fetches every row to learn its columns."""
        view = f"gate_{uuid4().hex}"
        self._run(f"create view {SCHEMA}.{view} as {query}")
        try:
            yield view
        finally:
            self._run(f"drop view if exists {SCHEMA}.{view}")

    def _run(self, statement: str) -> list[Any]:
        with closing(self._warehouse.get_engine().raw_connection()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows


RECORD = """
    insert into ops.validation_result (
        load_id, suite, batch, expectation, column_name, severity, dimension, sentence, is_passed,
        rows_checked, rows_failed, observed
    ) values %s
"""
RECORDED = attrgetter(
    *("suite", "batch", "expectation", "column_name", "severity", "dimension", "sentence", "is_passed"),
    *("rows_checked", "rows_failed"),
)


def record(connection: Connection, outcomes: Iterable[Outcome], load_id: int | None = None) -> None:
    """Write outcomes to ops.validation_result inside the caller's transaction."""
    rows = [
        (load_id, *RECORDED(outcome), Json(outcome.observed, dumps=_dumps) if outcome.observed else None)
        for outcome in outcomes
    ]
    with connection.cursor() as cursor:
        execute_values(cursor, RECORD, rows)


def load_faults(outcomes: Iterable[Outcome]) -> list[str]:
    """Reasons to refuse the whole batch: critical expectations that failed not on rows but on the table."""
    return [o.sentence for o in outcomes if o.severity == CRITICAL and not o.is_passed and o.rows_failed is None]


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def row_faults(outcomes: Iterable[Outcome]) -> dict[int, list[str]]:
    """Reasons by row number, of the critical expectations that failed on rows."""
    faults: dict[int, list[str]] = {}
    for outcome in outcomes:
        if outcome.severity == CRITICAL:
            for row in outcome.failed_rows:
                faults.setdefault(int(row["row_number"]), []).append(_fill(outcome.template, row))
    return faults


def _fill(sentence: str, values: Mapping[str, Any]) -> str:
    """The sentence with `{name}` replaced by its value; a name that has none here stays as it is."""

    def shown(match: re.Match[str]) -> str:
        value = values.get(match[1], match[0])
        return MISSING if value is None else textwrap.shorten(str(value), SHOWN_CHARACTERS, placeholder=MISSING)

    return PLACEHOLDER.sub(shown, sentence)


def _read(suite: Path, parameters: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Name and expectations of a suite, sentences filled with parameters and given to Data Docs to show."""
    definition = json.loads(suite.read_text(encoding="utf-8"))
    expectations = [one for one in definition["expectations"] if not _is_of_the_unknown(one, parameters)]
    for expectation in expectations:
        sentence = _fill(expectation["meta"]["sentence"], parameters)
        expectation["meta"]["sentence"] = sentence
        expectation["description"] = f"Не должно быть: {PLACEHOLDER.sub(MISSING, sentence)}"
    return definition["name"], expectations


def _is_of_the_unknown(expectation: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Whether it compares with something of which there is no telling yet."""
    values = expectation["kwargs"].values()
    named = (value["$PARAMETER"] for value in values if isinstance(value, Mapping) and "$PARAMETER" in value)
    return any(parameters[name] is None for name in named)


def _is_critical(expectation: Mapping[str, Any]) -> bool:
    return bool(expectation["severity"] == CRITICAL)


def _sentence(entry: Any) -> str:
    """What an expectation is told by: unique in a suite."""
    return str(entry.expectation_config.meta["sentence"])


def _every_row(index: Sequence[str], expectations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Name every failing row by `index` and by the columns that the sentences show."""
    named = PLACEHOLDER.findall(" ".join(expectation["meta"]["sentence"] for expectation in expectations))
    columns = [*index, *(name for name in named if name != OBSERVED)]
    return {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": list(dict.fromkeys(columns)),
        "return_unexpected_index_query": False,
        "partial_unexpected_count": EVERY_ROW,
    }


def _ask(
    rows: Any, suite: str, parameters: dict[str, Any], expectations: list[dict[str, Any]], result_format: Any
) -> Any:
    from great_expectations.core.expectation_suite import ExpectationSuite

    result = rows.validate(
        ExpectationSuite(suite, expectations), result_format=result_format, expectation_parameters=parameters
    )
    for entry in result.results:
        if problem := _exception(entry.exception_info):
            raise GateError(f"{suite}: {entry.expectation_config.type} {entry.expectation_config.kwargs}: {problem}")
    return result


def _outcome(suite: str, batch: str, rows_checked: int, entry: Any) -> Outcome:
    kwargs, meta, result = entry.expectation_config.kwargs, entry.expectation_config.meta, entry.result
    template = _fill(meta["sentence"], {OBSERVED: result.get("observed_value")})
    observed = {
        "value": result.get("observed_value"),
        "values": (result.get("partial_unexpected_counts") or [])[:SHOWN_VALUES],
    }
    rows_failed = result.get("unexpected_count")
    failed_rows = result.get("unexpected_index_list") or ()
    if "unexpected_index_list" in result and len(failed_rows) != rows_failed:
        raise GateError(f"{suite} on {batch}: {rows_failed} rows failed, {len(failed_rows)} are named")
    return Outcome(
        suite=suite,
        batch=batch,
        expectation=entry.expectation_config.type,
        column_name=kwargs.get("column") or kwargs.get("column_A"),
        severity=str(entry.expectation_config.severity.value),
        dimension=meta["dimension"],
        sentence=PLACEHOLDER.sub(MISSING, template),
        is_passed=bool(entry.success),
        rows_checked=rows_checked,
        rows_failed=rows_failed,
        observed={name: value for name, value in observed.items() if value not in (None, [])},
        template=template,
        failed_rows=failed_rows,
    )


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of what an expectation raised; the library gives one, or one a metric."""
    for part in [info, *info.values()]:
        if isinstance(part, Mapping) and part.get("raised_exception"):
            return str(part.get("exception_message"))
    return None


def _sqlalchemy_url(dsn: str) -> str:
    from sqlalchemy import URL

    parts: dict[str, Any] = parse_dsn(dsn)
    parts["options"] = f"{parts.get('options', '')} -c search_path={SCHEMA}".lstrip()
    url = URL.create(
        "postgresql+psycopg2",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        host=parts.pop("host", None),
        port=int(parts.pop("port", 5432)),
        database=parts.pop("dbname", None),
        query=parts,
    )
    return url.render_as_string(hide_password=False)
