#!/bin/sh
# All checks that only read the source. Goes through all of them, then fails if one did.
result=0
check() { echo "$*"; "$@" || result=1; }
check ruff check --quiet .
check ruff format --check --quiet .
check mypy
check sqlfluff lint --disable-progress-bar dbt_project plugins
check yamllint --strict .
exit $result
