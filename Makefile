# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target prepares what it needs first (tests/setup.sh): system packages, build/venv, test images.

PYTHON_IN_VENV := build/venv/bin/python

.PHONY: help demo test unit lint sanity integration bench setup clean

help:
	@echo 'make demo         build a Debian image and run playbooks/golden_image.yml on it, twice'
	@echo '                  IMAGE=... FORMAT=... use a copy of an image of yours instead'
	@echo 'make test         everything: lint, sanity, unit, integration and boot tests'
	@echo 'make unit         the unit tests: seconds, no appliance'
	@echo 'make lint         ruff, mypy, ansible-lint, antsibull, shellcheck'
	@echo 'make sanity       ansible-test sanity'
	@echo 'make integration  the integration and boot tests'
	@echo 'make bench        compare speed with the libguestfs tools'
	@echo 'make clean        remove build/, with the virtual environment and the test images'

setup:
	@tests/setup.sh

demo: setup
	@IMAGE='$(IMAGE)' FORMAT='$(FORMAT)' $(PYTHON_IN_VENV) demo/run.py

test: setup
	@$(PYTHON_IN_VENV) tests/check.py lint sanity unit integration

unit: setup
	@$(PYTHON_IN_VENV) tests/check.py unit

lint: setup
	@$(PYTHON_IN_VENV) tests/check.py lint

sanity: setup
	@$(PYTHON_IN_VENV) tests/check.py sanity

integration: setup
	@$(PYTHON_IN_VENV) tests/check.py integration

bench: setup
	@$(PYTHON_IN_VENV) tests/bench/run.py

clean:
	rm -rf build .ansible
