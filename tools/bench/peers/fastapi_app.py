"""FastAPI with the same bounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

Tag = Annotated[str, Field(max_length=20)]


class Thing(BaseModel):
    """A thing."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    size: int = Field(ge=0, le=1000)
    weight: float = Field(ge=0)
    tags: list[Tag] = Field(max_length=8)


def add_thing(body: Thing) -> Thing:
    """Answer with the thing."""
    return body


app = FastAPI()
app.add_api_route("/things", add_thing, methods=["POST"])
