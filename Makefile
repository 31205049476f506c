# The two things to run before a change is proposed.
.PHONY: check test

check:
	ruff format --check .
	ruff check .
	mypy
	mypy --config-file benchmarks/mypy.ini
	lint-imports
	codespell

test:
	pytest
