"""The configuration of a pipeline: what it says, checked; nothing is loaded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from handlers.pipelines import formats, paths
from handlers.pipelines.checks import Faults, Node, listed, pointer
from handlers.pipelines.dialect import in_full
from handlers.pipelines.imagetypes import ImageSettings
from handlers.pipelines.reading import read_document
from handlers.pipelines.schemas import DEFAULT, PYTHON_COLUMNS, Columns, columns_of
from handlers.pipelines.steptypes import KINDS, ModelSettings, PythonSettings
from handlers.pipelines.words import JSON, OUTPUT_FORMATS

MOST_STEPS: Final = 100
#: Kinds of steps whose outputs are called like their inputs where nothing is said.
KEEPS_NAMES: Final = frozenset(
    {"PythonStep", "TransformProcessStep", "ImageLoadingStep", "ArrayConcatenationStep", "JsonExpanderTransformStep"}
)


@dataclass(frozen=True, kw_only=True)
class StepConfig:
    """One step as it is configured; names that it leaves out are filled in."""

    kind: str
    place: str  #: JSON pointer in the configuration
    input_names: Sequence[str]
    output_names: Sequence[str]
    inputs: Mapping[str, Columns]  #: columns of each input, as far as they are said
    outputs: Mapping[str, Columns]
    settings: Any  #: of the type that `steptypes.KINDS` makes


@dataclass(frozen=True, kw_only=True)
class MemMap:
    """A large array of which slices are read, and the vector that stands for what it has not."""

    array_path: str
    unknown_path: str


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a server is set to run."""

    folder: Path
    document: Mapping[str, Any]  #: what `GET /config` answers
    steps: Sequence[StepConfig]
    files: Sequence[str]  #: all that it names, from its folder
    output_format: str
    mem_map: MemMap | None
    misspelt: Sequence[str]  #: what to tell of members that are not read, and look like some that are

    @property
    def large_files(self) -> list[str]:
        """Files of the large array and of the row that stands for others, from its folder."""
        names = [self.mem_map.array_path, self.mem_map.unknown_path] if self.mem_map else []
        return [paths.inside(self.folder, name).relative_to(self.folder).as_posix() for name in names if name]

    @property
    def input_names(self) -> list[str]:
        """Names of the pipeline's inputs."""
        return list(self.steps[0].input_names) if self.steps else [DEFAULT]

    @property
    def output_names(self) -> list[str]:
        """Names of the pipeline's outputs."""
        return list(self.steps[-1].output_names) if self.steps else [DEFAULT]

    @property
    def columns(self) -> Mapping[str, str]:
        """Type of each column of a row of JSON, by its name, in order; empty: nothing is said of them."""
        if not self.steps:
            return {}
        first = self.steps[0]
        name = DEFAULT if DEFAULT in first.inputs or len(first.input_names) != 1 else first.input_names[0]
        return dict(first.inputs.get(name, {}))

    @property
    def extra_columns(self) -> Mapping[str, str]:
        """Type of each column that a row may have and need not, by its name: the further variables of Python."""
        if not self.steps or not self.columns:
            return {}
        extras = {name: kind for code in codes_of(self.steps[0]) for name, kind in code.extra.items()}
        return {name: PYTHON_COLUMNS[kind] for name, kind in extras.items()}

    def check(self, comes: str, kind: str, goes: str) -> None:
        """Let pass what the pipeline takes, and can be answered with.

        Args:
            comes: Format of the inputs.
            kind: What is to be made of the outputs.
            goes: Format of the answer.

        Raises:
            Refused: It does not take it, or cannot; the place is the parameter of the path.
        """
        if self.steps:
            formats.check(self.steps[0].kind, self.steps[-1].kind, comes, kind, goes)


def read_configuration(path: Path) -> Configuration:
    """Return the configuration that a file holds, in JSON or YAML, in either of Konduit's dialects.

    Raises:
        Unusable: The file cannot be read, or has faults; all that were found are told, each with its JSON pointer.
    """
    document, places = in_full(read_document(path))
    faults = Faults()
    root = Node(document, "", faults)
    steps = read_steps(root, places)
    if not isinstance(document.get("servingConfig") or {}, dict):
        root.wrong("This is no object.", "servingConfig")
    output_format = root.at("servingConfig").word("outputDataFormat", sorted(OUTPUT_FORMATS), JSON)
    mem_map = read_mem_map(root.at("memMapConfig"))
    if not document.get("steps") and mem_map is None:
        root.wrong("There is no step: 'steps' is missing or empty.")
    if steps and output_format not in formats.gives(steps[-1].kind):
        words = f"The last step, {formats.a(steps[-1].kind)}, gives {listed(formats.gives(steps[-1].kind))}."
        root.at("servingConfig").wrong(words, "outputDataFormat")
    folder = path.parent
    files = dict.fromkeys(name for name in named_files(folder, steps, root, faults) if name != path.name)
    faults.check()
    return Configuration(
        folder=folder,
        document=answered(document, steps, output_format),
        steps=steps,
        files=list(files),
        output_format=output_format,
        mem_map=mem_map,
        misspelt=faults.misspelt(),
    )


def read_steps(root: Node, places: Sequence[str]) -> list[StepConfig]:
    """Return the steps, with the names that they leave out."""
    nodes = [Node(node.value, place, node.faults) for node, place in zip(root.items("steps"), places, strict=False)]
    if len(nodes) > MOST_STEPS:
        root.stop(f"There are more than {MOST_STEPS} steps.", "steps")
    return named([found for node in nodes if (found := read_step(node)) is not None])


def read_step(node: Node) -> StepConfig | None:
    """Return one step; the names that it leaves out stay empty. None: it is of no known kind, which is noted."""
    if not isinstance(node.value, dict):
        node.wrong("This step is no object.")
        return None
    kind = node.needed("@type")
    if kind not in KINDS:
        if kind:
            node.wrong(f"There is no kind of step {kind[:100]!r}; there are {listed(KINDS)}.", "@type")
        return None
    settings = KINDS[kind](node)
    step = StepConfig(
        kind=kind,
        place=node.place,
        input_names=said_names(node, "inputNames") or names_implied(settings, "input_types"),
        output_names=said_names(node, "outputNames") or names_implied(settings, "output_types"),
        inputs=columns_of(node, "input", settings),
        outputs=columns_of(node, "output", settings),
        settings=settings,
    )
    return step


def said_names(node: Node, member: str) -> tuple[str, ...]:
    """Return names of inputs or outputs, each there once."""
    names = node.texts(member)
    if len(set(names)) < len(names) or "" in names:
        node.wrong("A name is empty, or stands here twice.", member)
    return names


def names_implied(settings: Any, types: str) -> tuple[str, ...]:
    """Return the names that a step's settings are sorted by, where it does not say its names."""
    if isinstance(settings, ModelSettings):
        return tuple(getattr(settings, types))
    if isinstance(settings, Mapping):
        return tuple(settings)
    if isinstance(settings, ImageSettings):  # what it says of `default` is for whatever name there is
        return tuple(name for name in {**settings.sizes, **settings.processes} if name != DEFAULT)
    return tuple(getattr(settings, "processes", ()))


def named(steps: Sequence[StepConfig]) -> list[StepConfig]:
    """Return steps with the names that they leave out: those of their neighbours, or `default`.

    A pipeline's inputs are those of the first step that has any; a step without outputs gives what it takes.
    """
    given: Sequence[str] = next((step.input_names for step in steps if step.input_names), (DEFAULT,))
    found = []
    for step in steps:
        takes = step.input_names or given
        gives = step.output_names or (takes if step.kind in KEEPS_NAMES else (DEFAULT,))
        found.append(replace(step, input_names=takes, output_names=gives))
        given = gives
    return found


def read_mem_map(node: Node) -> MemMap | None:
    """Return where the large array is; None: there is none."""
    if node.value is None:
        return None
    if not isinstance(node.value, dict):
        node.wrong("This is no object.")
        return None
    return MemMap(array_path=node.needed("arrayPath"), unknown_path=node.text("unkVectorPath"))


def named_files(folder: Path, steps: Sequence[StepConfig], root: Node, faults: Faults) -> Iterator[str]:
    """Give the files that a configuration names, from its folder; what lies outside is noted."""
    single = [one for step in steps for one in files_of(step)]
    memmap = root.at("memMapConfig")
    single += [(memmap.text(name), pointer("/memMapConfig", name)) for name in ("arrayPath", "unkVectorPath")]
    for name, place in single:
        if name and (found := paths.checked(folder, name, place, faults)) is not None:
            yield found
    for step in steps:
        for code in codes_of(step):
            for name in code.paths:
                yield from paths.below(folder, name, f"{code.place}/pythonPath", faults)


def files_of(step: StepConfig) -> list[tuple[str, str]]:
    """Return the files that a step names, and where; a name may be empty."""
    if isinstance(step.settings, ModelSettings):
        return [(step.settings.path, f"{step.settings.place}/modelConfigType/modelLoadingPath")]
    if isinstance(step.settings, ImageSettings) and step.settings.detection is not None:
        return [(step.settings.detection.labels_path, f"{step.place}/objectDetectionConfig/labelsPath")]
    return [(code.code_path, f"{code.place}/pythonCodePath") for code in codes_of(step)]


def codes_of(step: StepConfig) -> list[PythonSettings]:
    """Return the pieces of Python of a step."""
    return list(step.settings.values()) if step.kind == "PythonStep" else []


def answered(document: Mapping[str, Any], steps: Sequence[StepConfig], output_format: str) -> dict[str, Any]:
    """Return what `GET /config` answers: keys in order, no nulls, and what clients rely on in its place."""
    whole = dict(document)
    whole["servingConfig"] = {**(document.get("servingConfig") or {}), "outputDataFormat": output_format}
    names = [{"inputNames": list(step.input_names), "outputNames": list(step.output_names)} for step in steps]
    whole["steps"] = [{**step, **own} for step, own in zip(document.get("steps") or [], names, strict=True)]
    found: dict[str, Any] = tidy(whole)
    return found


def tidy(value: Any) -> Any:
    """Return a value whose objects have their keys in order, and no nulls."""
    if isinstance(value, dict):
        return {key: tidy(value[key]) for key in sorted(value) if value[key] is not None}
    return [tidy(one) for one in value] if isinstance(value, list) else value
