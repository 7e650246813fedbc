"""The messages of an Arrow stream, looked at before pyarrow makes room for what they say that they have.

Only their metadata are read, and of each compressed buffer the length that stands before it; bodies stay in the file.

Source:
    Apache Arrow, "Serialization and Interprocess Communication (IPC)"; `Message.fbs`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, NamedTuple

from handlers.models.arrowflat import (
    COMPRESSION,
    DICTIONARY_DATA,
    HEADER,
    buffers,
    field,
    number_in,
    table_at,
    table_in,
)
from handlers.models.arrowschema import Tally
from handlers.models.pieces import broken

MOST_METADATA_BYTES: Final = 16 << 20  #: of one message
MOST_BATCH_BYTES: Final = 256 << 20  #: of one record batch with the dictionaries that are held then, also unpacked
MOST_DICTIONARIES: Final = 100_000  #: messages of them before one record batch

# Fields of a message, and of a batch of a dictionary, by their number in the schema of the FlatBuffer.
HEADER_TYPE, BODY_LENGTH, MESSAGE_NOTES = 1, 3, 4
DICTIONARY_ID, DICTIONARY_DELTA = 0, 2
SCHEMA, DICTIONARY, RECORDS = 1, 2, 3  #: types of headers

CONTINUES: Final = -1  #: stands before the length of metadata since version 0.15 of the format
AS_IT_IS: Final = -1  #: the length before a buffer that is not compressed, among others that are
OLD_COMPRESSION: Final = b"ARROW:experimental_compression"  #: a note of Arrow 0.17; another way to say COMPRESSION


class Message(NamedTuple):
    """A message whose body is in the file as a whole."""

    kind: int
    flat: memoryview
    header: int  #: place of what it is about
    body: int  #: place in the file
    length: int  #: of the body

    @property
    def end(self) -> int:
        """The place in the file of what comes next."""
        return self.body + self.length


class Ahead:
    """Looks ahead in a stream, and leaves the file where it was."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Look at a file of *size* bytes."""
        self._file, self._size = file, size
        self._batches = 0
        self._dictionaries: dict[int, int] = {}  # how many bytes are held for each
        self._held = 0

    def see_schema(self) -> int:
        """See that the schema, which comes next, is bounded; return the place of what follows.

        Raises:
            Unprocessable: It is not, or it is cut short.
        """
        with self._looking("The schema") as place:
            message = self._message(place, "The schema")
            if message is None:
                return self._size
            if message.kind == SCHEMA:
                Tally(message.flat).schema(message.header)
            return message.end

    def see_batch(self, place: int | None = None) -> tuple[int, int]:
        """See that the record batch that comes next, and the dictionaries before it, are bounded.

        Args:
            place: Where it begins; None: where the file is.

        Returns:
            The bytes that they have unpacked, and the place of what follows.

        Raises:
            Unprocessable: They are not, or they are cut short; the words name the number of the batch.
        """
        self._batches += 1
        what = f"Record batch {self._batches}"
        with self._looking(what) as here:
            return self._batch(here if place is None else place, what)

    @contextmanager
    def _looking(self, what: str) -> Iterator[int]:
        """Put the file back where it was, and say in words that something leads out of its bytes."""
        before = self._file.tell()
        try:
            yield before
        except struct.error as error:
            raise broken(f"{what} of the Arrow stream leads out of its bytes: {error}") from error
        finally:
            self._file.seek(before)

    def _batch(self, place: int, what: str) -> tuple[int, int]:
        """Look at all messages of a batch."""
        unpacked = 0
        for _ in range(MOST_DICTIONARIES):
            message = self._message(place, what)
            if message is None:
                return unpacked, self._size
            size = self._unpacked(message, what)
            unpacked, place = unpacked + size, message.end
            if self._held + (size if message.kind == RECORDS else 0) > MOST_BATCH_BYTES:
                raise broken(
                    f"{what} of the Arrow stream and its dictionaries have more than {MOST_BATCH_BYTES} bytes"
                    " unpacked. Write smaller record batches."
                )
            if message.kind != DICTIONARY:
                return unpacked, place
        raise broken(f"{what} of the Arrow stream comes after more than {MOST_DICTIONARIES} dictionaries.")

    def _message(self, place: int, what: str) -> Message | None:
        """Return the message at a place of the file, None at the end of the stream."""
        length, place = self._metadata_at(place)
        if length is None:
            return None
        if not 0 < length <= MOST_METADATA_BYTES:
            words = f"{what} says that it has {length} bytes of metadata; {MOST_METADATA_BYTES} are allowed"
            raise broken(f"The Arrow stream is broken: {words}.")
        message = message_of(memoryview(self._read(place, length)), place + length)
        if not 0 <= message.length <= MOST_BATCH_BYTES:
            raise broken(
                f"{what} of the Arrow stream says that it has {message.length} bytes; {MOST_BATCH_BYTES} are allowed."
                " Write smaller record batches."
            )
        if message.end > self._size:
            raise broken(f"{what} of the Arrow stream is cut short.")
        return message

    def _metadata_at(self, place: int) -> tuple[int | None, int]:
        """Return the length of the metadata of the message at a place, None at the end, and where they begin."""
        length = CONTINUES
        for _ in range(2):
            data = self._read(place, 4)
            if len(data) < 4:
                return None, place
            place += 4
            (length,) = struct.unpack("<i", data)
            if length != CONTINUES:
                break
        return length or None, place

    def _unpacked(self, message: Message, what: str) -> int:
        """Return how many bytes a batch has unpacked, and keep in mind what a dictionary takes."""
        if message.kind == RECORDS:
            return self._sum(message, message.header, what)
        if message.kind != DICTIONARY:
            return 0
        data = table_in(message.flat, message.header, DICTIONARY_DATA)
        size = self._sum(message, data, what) if data else 0
        number = number_in(message.flat, message.header, DICTIONARY_ID, "<q")
        before = self._dictionaries.get(number, 0)
        more = number_in(message.flat, message.header, DICTIONARY_DELTA, "B")
        self._dictionaries[number] = size + (before if more else 0)
        self._held += self._dictionaries[number] - before
        return size

    def _sum(self, message: Message, batch: int, what: str) -> int:
        """Return the bytes of all buffers of a batch, unpacked, or so many that they are too many."""
        packed, total = field(message.flat, batch, COMPRESSION), 0
        for at, length in buffers(message.flat, batch):
            if not length:
                continue
            if at < 0 or not 0 < length <= message.length - at:
                raise broken(f"{what} of the Arrow stream has a buffer that lies outside of it.")
            total += self._claimed(message.body + at, length, what) if packed else length
            if total > MOST_BATCH_BYTES:
                break
        return total

    def _claimed(self, place: int, length: int, what: str) -> int:
        """Return the bytes that a buffer says that it has unpacked."""
        claimed: int = struct.unpack("<q", self._read(place, min(length, 8)))[0]
        if claimed < AS_IT_IS:
            raise broken(f"{what} of the Arrow stream has a buffer of {claimed} bytes.")
        return length if claimed == AS_IT_IS else claimed

    def _read(self, place: int, length: int) -> bytes:
        """Return bytes of the file; fewer at its end."""
        self._file.seek(place)
        return self._file.read(length)


def message_of(flat: memoryview, body: int) -> Message:
    """Return the message of some metadata, whose body begins at a place of the file.

    Raises:
        Unprocessable: It has too many notes, or is compressed in a way that is not read.
        struct.error: It leads out of its bytes.
    """
    root = table_at(flat, 0)
    Tally(flat).notes(root, MESSAGE_NOTES)
    if OLD_COMPRESSION in bytes(flat):
        raise broken("It is compressed as Arrow 0.17 did. Write it with a newer one.")
    header = table_in(flat, root, HEADER)
    if not header:
        raise broken("A message of the Arrow stream is about nothing.")
    return Message(
        number_in(flat, root, HEADER_TYPE, "B"), flat, header, body, number_in(flat, root, BODY_LENGTH, "<q")
    )


def unpacked_bytes(file: BinaryIO, size: int) -> int:
    """Return how many bytes the record batches and dictionaries of a stream have unpacked; the file stays where it is.

    Raises:
        Unprocessable: It is broken, or a batch is too large.
    """
    ahead, total = Ahead(file, size), 0
    place = ahead.see_schema()
    while place < size:
        more, place = ahead.see_batch(place)
        total += more
    return total
