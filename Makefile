# The two things to run before a change is proposed, and a longer one for when a bound changes.
.PHONY: check test oldest

check:
	ruff format --check .
	ruff check .
	mypy
	mypy --config-file benchmarks/mypy.ini
	lint-imports
	codespell

test:
	pytest

# The default suite on the oldest versions that pyproject.toml allows, in an environment of its own:
# half an hour, and 8 GB of disk with torch for GPUs, 11 GB while it installs. Packages of which the oldest version cannot be
# had here are left out with EXCEPT="torch torchvision".
OLDEST = build/oldest
oldest:
	python -m venv --clear $(OLDEST)
	python tests/oldest.py --except $(EXCEPT) > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install -q -c $(OLDEST)/constraints.txt -e '.[dev]'
	$(OLDEST)/bin/python -m pytest
