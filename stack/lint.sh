#!/bin/sh
# All checks that only read the source: sh stack/lint.sh [check …], all of them unless some are named. Goes through
# them all, then fails if one did. `make lint`, .ci/run and .pre-commit-config.yaml call this and nothing beside it.
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/.local/venv/bin:$PATH"
result=0
check() { echo "$*"; "$@" || result=1; }
for name in ${*:-ruff mypy sqlfluff yamllint hadolint secrets}; do
    case $name in
        ruff)
            check ruff check --quiet .
            check ruff format --check --quiet . ;;
        mypy) check mypy ;;
        sqlfluff) check sqlfluff lint --disable-progress-bar dbt_project plugins ;;
        yamllint) check yamllint --strict . ;;
        hadolint) check hadolint Dockerfile ;;
        secrets) check python -m stack.secret_scan ;;
        *)
            echo "$0: there is no check $name" >&2
            result=1 ;;
    esac
done
exit $result
