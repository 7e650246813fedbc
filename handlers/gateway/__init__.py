"""Connexion's operations, served natively on WSGI."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Importing connexion imports test clients and a reference resolver that warn of their own age at every start.
    warnings.simplefilter("ignore")
    import connexion  # noqa: F401 - imported here once, so that no other module meets the warnings
