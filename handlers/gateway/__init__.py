"""Connexion's operations, served natively on WSGI."""
