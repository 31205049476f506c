# The two things to run before a change is proposed.
.PHONY: check test

check:
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	codespell

test:
	pytest
