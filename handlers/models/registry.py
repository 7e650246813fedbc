"""The models and endpoints of this server: what is known of them, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update

from handlers.errors import NotFound
from handlers.models import records
from handlers.models.records import Endpoint, Model, as_row, endpoint_from, model_from
from handlers.models.tables import EndpointRow, ModelRow, State
from handlers.storage.blobs import Blobs
from handlers.storage.sql import Database, now

MODELS: Final = ModelRow.metadata.tables[ModelRow.__tablename__]
ENDPOINTS: Final = EndpointRow.metadata.tables[EndpointRow.__tablename__]


class Registry:
    """Models and endpoints; whoever changes them has been let in before."""

    def __init__(
        self, database: Database, blobs: Blobs, changed: Callable[[], None], lost: Callable[[str], str | None]
    ) -> None:
        """Make the registry.

        Args:
            database: Where what is known is kept.
            blobs: Where files are kept.
            changed: Called after each change.
            lost: Returns why a job has ended without a word about its endpoint; None: it has not ended.
        """
        self.database = database
        self.blobs = blobs
        self.changed = changed
        self._lost = lost

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction, and say that something has changed when it is committed."""
        with self.database.write() as connection:
            yield connection
        self.changed()

    def add_model(self, wish: Mapping[str, Any]) -> Model:
        """Store a new model; members of *wish* that are null count as absent.

        Raises:
            InputInvalid: Its name holds what cannot be stored.
        """
        model = records.new_model(wish)
        with self.writing() as connection:
            connection.execute(insert(MODELS).values(as_row(model)))
        return model

    def add_endpoint(self, connection: Connection, endpoint: Endpoint, model: Model | None = None) -> None:
        """Store a new endpoint, and its model where that is new too, in a transaction of somebody else's."""
        if model is not None:
            connection.execute(insert(MODELS).values(as_row(model)))
        connection.execute(insert(ENDPOINTS).values(as_row(endpoint)))

    def demand(self, connection: Connection, model_id: str) -> None:
        """Raise NotFound unless a model is there still."""
        if connection.execute(select(MODELS.c.id).where(MODELS.c.id == model_id)).first() is None:
            raise NotFound(f"There is no model {model_id[:64]}.")

    def model(self, model_id: str) -> Model:
        """Return a model.

        Raises:
            NotFound: There is none with this id.
        """
        with self.database.read() as connection:
            row = connection.execute(select(MODELS).where(MODELS.c.id == key_of(model_id))).mappings().first()
            if row is None:
                raise NotFound(f"There is no model {model_id[:64]}.")
            return model_from(row, endpoints_of(connection, [row["id"]])[row["id"]])

    def named(self, name: str) -> Model:
        """Return the model with an id, or else the newest one with a name.

        Raises:
            NotFound: There is neither.
        """
        meant = select(MODELS.c.id).where(or_(MODELS.c.id == key_of(name), MODELS.c.name == key_of(name)))
        order = ((MODELS.c.id == key_of(name)).desc(), MODELS.c.created.desc(), MODELS.c.id)
        with self.database.read() as connection:
            found = connection.execute(meant.order_by(*order).limit(1)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"There is no model {name[:100]}.")
        return self.model(found)

    def models(self, *, limit: int, offset: int) -> list[Model]:
        """Return a page of the models, the oldest first."""
        page = select(MODELS).order_by(MODELS.c.created, MODELS.c.id).limit(limit).offset(offset)
        with self.database.read() as connection:
            rows = connection.execute(page).mappings().all()
            found = endpoints_of(connection, [row["id"] for row in rows])
        return [model_from(row, found[row["id"]]) for row in rows]

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            NotFound: There is none with this id.
        """
        with self.database.read() as connection:
            row = connection.execute(select(ENDPOINTS).where(ENDPOINTS.c.id == key_of(endpoint_id))).mappings().first()
        if row is None:
            raise NotFound(f"There is no endpoint {endpoint_id[:64]}.")
        return self._as_it_stands(endpoint_from(row))

    def endpoints(self, *, limit: int, offset: int, model: Model | None = None) -> list[Endpoint]:
        """Return a page of the endpoints, all or those of one model, the oldest first."""
        page = select(ENDPOINTS).order_by(ENDPOINTS.c.deployed, ENDPOINTS.c.id).limit(limit).offset(offset)
        if model is not None:
            page = page.where(ENDPOINTS.c.model == model.id)
        with self.database.read() as connection:
            found = [endpoint_from(row) for row in connection.execute(page).mappings()]
        return [self._as_it_stands(endpoint) for endpoint in found]

    def _as_it_stands(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint; one whose job has ended without a word, such as one whose worker keeps dying, failed."""
        if endpoint.status is not State.CREATING or endpoint.job is None:
            return endpoint
        problem = self._lost(endpoint.job)
        if problem is None:
            return endpoint
        self.fail(endpoint, problem)
        with self.database.read() as connection:
            row = connection.execute(select(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id)).mappings().first()
        return endpoint if row is None else endpoint_from(row)

    def newest(self, model: Model) -> Endpoint:
        """Return the newest endpoint of a model, whose file is the model's.

        Raises:
            NotFound: It has none.
        """
        if not model.endpoints:
            raise NotFound(f"The model {model.id} has no file.")
        return self.endpoint(model.endpoints[-1])

    def count(self, table: Table, model: Model | None = None) -> int:
        """Return how many models or endpoints there are, or endpoints of one model."""
        total = select(func.count()).select_from(table)
        if model is not None:
            total = total.where(table.c.model == model.id)
        with self.database.read() as connection:
            return int(connection.execute(total).scalar_one())

    def change_model(self, model_id: str, wish: Mapping[str, Any]) -> Model:
        """Change a model.

        Raises:
            NotFound: There is none with this id.
            InputInvalid: Its name holds what cannot be stored.
        """
        model = self.model(model_id)
        changes = records.model_changes(model, wish)
        with self.writing() as connection:
            connection.execute(update(MODELS).where(MODELS.c.id == model.id).values(**changes, modified=now()))
        return self.model(model_id)

    def change_endpoint(self, endpoint_id: str, wish: Mapping[str, Any]) -> Endpoint:
        """Change an endpoint.

        Raises:
            NotFound: There is none with this id.
            Conflict: It cannot have that status.
            InputInvalid: Its name holds what cannot be stored.
        """
        endpoint = self.endpoint(endpoint_id)
        if changes := records.endpoint_changes(endpoint, wish):
            with self.writing() as connection:
                connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id).values(**changes))
        return self.endpoint(endpoint_id)

    def settle(self, endpoint: Endpoint, known: Mapping[str, Any]) -> None:
        """Put an endpoint into service with what loading its file has shown; fill in what its model lacks."""
        waits = (ENDPOINTS.c.id == endpoint.id, ENDPOINTS.c.status == State.CREATING)
        with self.writing() as connection:
            values = {"status": State.IN_SERVICE, "known": dict(known)}
            if not connection.execute(update(ENDPOINTS).where(*waits).values(**values)).rowcount:
                return
            for column in ("input_schema", "output_schema"):
                if (found := known.get(column)) is not None:
                    lacks = (MODELS.c.id == endpoint.model, MODELS.c[column].is_(None))
                    connection.execute(update(MODELS).where(*lacks).values({column: found}))

    def fail(self, endpoint: Endpoint, problem: str) -> None:
        """Note that an endpoint's file cannot be loaded, and why."""
        waits = (ENDPOINTS.c.id == endpoint.id, ENDPOINTS.c.status == State.CREATING)
        with self.writing() as connection:
            connection.execute(update(ENDPOINTS).where(*waits).values(status=State.FAILED, problem=problem))

    def rename(self, model: Model, name: str) -> None:
        """Give a model and its endpoints the name that their file states."""
        with self.writing() as connection:
            connection.execute(update(MODELS).where(MODELS.c.id == model.id).values(name=name))
            connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.model == model.id).values(name=name))

    def remove_model(self, model_id: str) -> list[Endpoint]:
        """Remove a model with its endpoints and their files; return the endpoints.

        Raises:
            NotFound: There is none with this id.
        """
        with self.writing() as connection:
            of_it = ENDPOINTS.c.model == key_of(model_id)
            gone = [endpoint_from(row) for row in connection.execute(select(ENDPOINTS).where(of_it)).mappings()]
            connection.execute(delete(ENDPOINTS).where(of_it))
            if not connection.execute(delete(MODELS).where(MODELS.c.id == key_of(model_id))).rowcount:
                raise NotFound(f"There is no model {model_id[:64]}.")
        for endpoint in gone:
            if endpoint.blob:
                self.blobs.remove(endpoint.blob)
        return gone

    def remove_endpoint(self, endpoint_id: str) -> Endpoint:
        """Remove an endpoint and its file.

        Raises:
            NotFound: There is none with this id.
        """
        endpoint = self.endpoint(endpoint_id)
        with self.writing() as connection:
            if not connection.execute(delete(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id)).rowcount:
                raise NotFound(f"There is no endpoint {endpoint_id[:64]}.")
        if endpoint.blob:
            self.blobs.remove(endpoint.blob)
        return endpoint


def key_of(text: str) -> str:
    """Return an id as the database may be asked for it: PostgreSQL takes no NUL, not even to compare with."""
    return "" if "\0" in text else text


def endpoints_of(connection: Connection, models: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the endpoints of each model, the oldest first."""
    found: dict[str, list[str]] = {model: [] for model in models}
    columns = select(ENDPOINTS.c.model, ENDPOINTS.c.id).where(ENDPOINTS.c.model.in_(models))
    for row in connection.execute(columns.order_by(ENDPOINTS.c.deployed, ENDPOINTS.c.id)):
        found[row.model].append(row.id)
    return found
