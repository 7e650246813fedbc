"""Handlers of specs/petshop.yaml, Pet shop."""

from __future__ import annotations

from typing import BinaryIO, Literal, NoReturn

from generated import petshop as api
from handlers.errors import NotBuilt


def list_pets(
    *,
    limit: int,  # noqa: ARG001
    order: Literal["name", "age"],  # noqa: ARG001
    kind: api.Kind | None = None,  # noqa: ARG001
    bornafter: str | None = None,  # noqa: ARG001
    from_: float | None = None,  # noqa: ARG001
    ids: list[int] | None = None,  # noqa: ARG001
) -> NoReturn:
    """List the pets, page by page."""
    raise NotBuilt("list_pets is not built yet.")


def add_pet(*, body: api.NewPet) -> NoReturn:  # noqa: ARG001
    """Add a pet: "quotes" and / stay."""
    raise NotBuilt("add_pet is not built yet.")


def read_pet(*, petId: int) -> NoReturn:  # noqa: ARG001, N803
    """Read one pet."""
    raise NotBuilt("read_pet is not built yet.")


def delete_pet(*, petId: int) -> NoReturn:  # noqa: ARG001, N803
    """Give a pet away."""
    raise NotBuilt("delete_pet is not built yet.")


def put_photo(*, petId: int, body: api.PutPhotoBody) -> NoReturn:  # noqa: ARG001, N803
    """Store a photo."""
    raise NotBuilt("put_photo is not built yet.")


def get_photo(*, petId: int) -> NoReturn:  # noqa: ARG001, N803
    """Download the photo."""
    raise NotBuilt("get_photo is not built yet.")


def raw(*, body: BinaryIO | None = None) -> NoReturn:  # noqa: ARG001
    """Take bytes as they come."""
    raise NotBuilt("raw is not built yet.")


def nonce(*, userAddress: str) -> NoReturn:  # noqa: ARG001, N803
    """Tell a nonce, asked for by query or by body."""
    raise NotBuilt("nonce is not built yet.")
