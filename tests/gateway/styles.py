"""Security functions for the document `styles.yaml`."""

from __future__ import annotations

from typing import Any

TOKENS = {"good": ["read"], "boss": ["manage"], "poor": []}


def bearer_info(token: str) -> dict[str, Any] | None:
    """Tell whom a token stands for."""
    return {"sub": token, "scopes": TOKENS[token]} if token in TOKENS else None


def key_info(key: str, required_scopes: list[str]) -> dict[str, Any] | None:
    """Tell whom a key stands for."""
    return {"uid": "robot", "scope": "read"} if key == "k1" else None


def basic_info(user: str, password: str) -> dict[str, Any] | None:
    """Tell whom a user name stands for."""
    return {"sub": user} if password == "pw" else None
