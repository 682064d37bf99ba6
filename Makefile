# The same as `python scripts/bootstrap.py demo` and so on, which also works where there is no make.
PYTHON ?= python3

.PHONY: demo test install lock docs
demo test install lock:
	@$(PYTHON) scripts/bootstrap.py $@
docs: install
	@.venv/bin/mkdocs serve
