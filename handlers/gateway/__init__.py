"""Connexion's operations, served natively on WSGI."""

from __future__ import annotations

import warnings

# Importing connexion imports Starlette's test client, which warns at every start about a library that only it uses.
warnings.filterwarnings("ignore", message=".*starlette.testclient.*")
