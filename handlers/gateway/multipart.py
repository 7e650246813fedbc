"""Multipart bodies: fields in memory under a bound, files on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from handlers.errors import BodyMalformed, Fault, TooLarge
from handlers.gateway.streams import CHUNK_BYTES, BodyStream
from handlers.wire import Upload

PARTS = 1000
IN_MEMORY_BYTES = 1 << 19
BUFFER_BYTES = 1 << 20  # A part's headers and a boundary must fit; data pass through.


@dataclass
class Parts:
    """The parts of one body, by name, in the order in which they came."""

    fields: dict[str, list[bytes]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def close(self) -> None:
        """Delete the files."""
        for uploads in self.files.values():
            for upload in uploads:
                upload.file.close()


def read_parts(stream: BodyStream, boundary: str, *, field_bytes: int) -> Parts:
    """Read a multipart body.

    Args:
        stream: The body.
        boundary: As the Content-Type has it.
        field_bytes: Most that all fields together may have, names included.

    Raises:
        BodyMalformed: It is not multipart, or a part has no name.
        TooLarge: It has too many parts, or its fields are too long.
    """
    parts = Parts()
    try:
        collect(parts, stream, MultipartDecoder(boundary.encode("latin-1"), BUFFER_BYTES, max_parts=PARTS), field_bytes)
    except RequestEntityTooLarge:
        parts.close()
        raise TooLarge(f"It has more than {PARTS} parts, or a part with too long a header.") from None
    except ValueError:
        parts.close()
        raise malformed("It is not a multipart body.") from None
    except BaseException:
        parts.close()
        raise
    return parts


def collect(parts: Parts, stream: BodyStream, decoder: MultipartDecoder, field_bytes: int) -> None:
    """Put what comes out of *stream* into *parts*."""
    sink: Sink | None = None
    try:
        for event in events(stream, decoder):
            field_bytes -= field_size(event, sink)
            if field_bytes < 0:
                raise TooLarge("The fields of the body are too long.")
            if isinstance(event, Field | File):
                sink = sink_of(event)
            elif isinstance(event, Data) and sink is not None:
                sink.file.write(event.data)
                if not event.more_data:
                    sink.finish(parts)
                    sink = None
    finally:
        if sink is not None:
            sink.file.close()


def field_size(event: Event, sink: Sink | None) -> int:
    """Return how much memory *event* takes for good: names do, and the data of fields."""
    if isinstance(event, Field | File):
        return len(event.name or "")
    return len(event.data) if isinstance(event, Data) and isinstance(sink, FieldSink) else 0


def sink_of(event: Field | File) -> Sink:
    """Return where the data of the part that begins with *event* go."""
    if event.name is None:
        raise malformed("A part has no name.")
    return FileSink(event) if isinstance(event, File) else FieldSink(event.name)


def events(stream: BodyStream, decoder: MultipartDecoder) -> Iterator[Event]:
    """Yield what *decoder* finds until the body ends."""
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            decoder.receive_data(stream.read(CHUNK_BYTES) or None)
            continue
        yield event
        if isinstance(event, Epilogue):
            return


class Sink:
    """Where the data of one part go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115 - closed when the request ends

    def finish(self, parts: Parts) -> None:
        """Put the part into *parts*."""
        raise NotImplementedError


class FieldSink(Sink):
    """A part without a file name."""

    def finish(self, parts: Parts) -> None:
        """Put its bytes into *parts*."""
        self.file.seek(0)
        parts.fields.setdefault(self.name, []).append(self.file.read())
        self.file.close()


class FileSink(Sink):
    """A part with a file name."""

    def __init__(self, event: File) -> None:
        super().__init__(event.name)
        self.filename = event.filename or ""
        self.content_type = event.headers.get("content-type", "application/octet-stream")

    def finish(self, parts: Parts) -> None:
        """Put it into *parts*, rewound."""
        upload = as_upload(self.name, self.file, filename=self.filename, content_type=self.content_type)
        parts.files.setdefault(self.name, []).append(upload)


def as_upload(name: str, file: BinaryIO, *, filename: str, content_type: str) -> Upload:
    """Return *file*, written to its end, as an upload."""
    size = file.tell()
    file.seek(0)
    return Upload(field=name, filename=filename, content_type=content_type, file=file, size=size)


def malformed(words: str) -> BodyMalformed:
    """Say what is wrong with the body as a whole."""
    return BodyMalformed(faults=[Fault("body", "", words)])
