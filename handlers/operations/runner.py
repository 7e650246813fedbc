"""Run one operation: assets in, its function, assets out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.assets import access
from handlers.assets.store import Assets
from handlers.errors import AssetNotFound, Fault, InternalError, Problem, TooLarge
from handlers.operations.catalogue import Catalogue, Operation
from handlers.operations.signatures import argument
from handlers.operations.values import AssetFile, NewAsset, Report
from handlers.wire import Caller

Inputs = Mapping[str, Any]


class Runner:
    """Runs operations over the assets of this server."""

    def __init__(self, catalogue: Catalogue, assets: Assets, asset_limit_bytes: int) -> None:
        """Read and store assets in *assets*, none larger than *asset_limit_bytes* read."""
        self.catalogue = catalogue
        self.assets = assets
        self.asset_limit_bytes = asset_limit_bytes

    def admit(self, name: str, inputs: Inputs, caller: Caller) -> None:
        """Check that the operation is there and that the caller may read each asset, before any work is done.

        Raises:
            OperationNotFound: There is no such operation.
            AssetNotFound, Forbidden, PaymentMissing, TooLarge: An asset cannot be had; the fault names the input.
        """
        for key in self.catalogue.read(name).asset_inputs & inputs.keys():
            self._granted(key, inputs[key], caller)

    def run(
        self, name: str, inputs: Inputs, *, caller: Caller, directory: Path, report: Report, job: str | None = None
    ) -> dict[str, Any]:
        """Run an operation and return its outputs as JSON values.

        Args:
            name: The operation.
            inputs: As its spec has them.
            caller: Whose assets may be read, and who will own the new ones.
            directory: An empty folder to work in.
            report: Told how far the work has come.
            job: Id of the job, where it is one.

        Raises:
            Problem: What the operation raised, or InternalError when its answer is not what its spec says.
        """
        operation = self.catalogue.read(name)
        values = {argument(key): self._value(operation, key, value, caller, directory) for key, value in inputs.items()}
        function = operation.function()
        given = {"report": report, "directory": directory}
        asked = inspect.signature(function).parameters
        outputs = function(**values, **{key: value for key, value in given.items() if key in asked})
        if missing := operation.outputs - outputs.keys():
            raise InternalError(f"The operation {name} did not answer {sorted(missing)}.")
        return {key: self._output(operation, key, value, caller, job) for key, value in outputs.items()}

    def _value(self, operation: Operation, key: str, value: Any, caller: Caller, directory: Path) -> Any:
        """Return an input as the function takes it."""
        if key not in operation.asset_inputs:
            return value
        asset = self._granted(key, value, caller).asset
        path = self.assets.local(asset, directory)
        return AssetFile(did=asset.did, name=asset.name, content_type=asset.content_type, path=path, size=asset.size)

    def _granted(self, key: str, value: Any, caller: Caller) -> access.Grant:
        """Return leave to read an input's asset; a refusal names the input."""
        try:
            grant = access.check(self.assets.read(value["did"]), caller)
            if grant.asset.blob is None:
                raise AssetNotFound(f"The file of {grant.asset.did} is not kept on this server.")
            if grant.asset.size > self.asset_limit_bytes:
                raise TooLarge(f"The asset has {grant.asset.size} bytes; the most is {self.asset_limit_bytes}.")
        except Problem as problem:
            problem.faults = (Fault("body", f"/{key}/did", problem.detail),)
            raise
        return grant

    def _output(self, operation: Operation, key: str, value: Any, caller: Caller, job: str | None) -> Any:
        """Return an output as a JSON value; a file becomes an asset of the caller's."""
        if key not in operation.asset_outputs:
            return value
        assert isinstance(value, NewAsset), f"{operation.name} has to give {key} as a NewAsset"
        asset = self.assets.add(
            value.path,
            name=value.name,
            content_type=value.content_type,
            owner=caller.name,
            job=job,
            description=value.description,
        )
        return {"did": asset.did}
