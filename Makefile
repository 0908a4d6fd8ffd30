# Thin on purpose: what the targets do is in the Python package stack/.
.DEFAULT_GOAL := help
.PHONY: help run test stop clean lint backup restore psql airflow dsn docs contract licences audit bench lock
PYTHON := .local/venv/bin/python
STACK := @sh stack/setup.sh && $(PYTHON) -m stack

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
run: ## all set-up, then exports to delivered reports; INBOX=folder: with your own exports
	$(STACK) run
test: ## all set-up, then every test; ARGS="…" for pytest
	@sh stack/setup.sh && $(PYTHON) -m pytest -n 2 --dist loadfile $(ARGS)
stop: ## stop what `make run` started
	$(STACK) stop
clean: ## stop, and remove all local state but the virtual environment
	$(STACK) clean
backup: ## the warehouse and the sent reports into .local/backups; TO=folder: elsewhere
	$(STACK) backup $(if $(TO),"$(TO)")
restore: ## a backup into an empty warehouse, checked: FILE=….dump; INBOX=… as with run
	$(STACK) restore "$(FILE)"
lint: ## ruff, mypy, sqlfluff, yamllint, hadolint, secrets
	@sh stack/setup.sh && sh stack/lint.sh
psql: ## a shell into the warehouse; ARGS="…" for psql
	$(STACK) psql $(ARGS)
airflow: ## the Airflow command line: make airflow ARGS="dags list"
	$(STACK) airflow $(ARGS)
dsn: ## print the warehouse's connection string (make -s dsn); ROLE=bi_reader: a reader's
	$(STACK) dsn $(ROLE)
docs: ## docs/data_dictionary.md and docs/lineage.md; by dbt, .local/docs/static_index.html
	$(STACK) docs
contract: ## take new columns and versions of marts into dbt_project/contracts.csv; refuses what breaks it
	$(STACK) contract
licences: ## what licence each locked package has, into docs/licences.md
	@sh stack/setup.sh && $(PYTHON) -m stack.licences
audit: ## known weaknesses of what is locked; asks the internet, so it is not part of .ci/run
	@sh stack/setup.sh && $(PYTHON) -m uv tool run pip-audit==2.10.1 --strict --disable-pip --no-deps -r requirements.txt
bench: ## how fast loads, builds and reports are, into docs/performance*.md; ARGS=loads|builds|reports, --quick: small, no page
	@sh stack/setup.sh && PYTHONPATH=.:plugins $(PYTHON) -m bench $(ARGS)
lock: ## requirements.in → requirements.txt; make licences after it
	@sh stack/setup.sh && $(PYTHON) -m uv pip compile -q --universal --python-version 3.11 --custom-compile-command "make lock" $(ARGS) requirements.in -o requirements.txt
