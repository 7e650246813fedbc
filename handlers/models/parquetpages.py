"""The pages of a Parquet file, looked at before pyarrow makes room for what they say that they have.

Only the headers of pages are read. What they claim together may not be more than the footer says of their column, so
that the bounds on that hold for what is unpacked.

Source:
    Apache Parquet, `parquet.thrift`; "Data Pages"; "Encodings".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from handlers.models.parquetfooter import Chunk, Group
from handlers.models.pieces import PIECE_BYTES, broken
from handlers.models.thrift import I32, STRUCT, Compact, CutShort, NotThrift, Shape, Struct, whole

MOST_HEADER_BYTES: Final = 1 << 20
FIRST_HEADER_BYTES: Final = 1 << 9  #: of which nearly every header has less
MOST_PAGE_BYTES: Final = 256 << 20
MOST_LIST_VALUES: Final = 16 << 20  #: of a column of lists in one row group; one row may have them all
MOST_READ_BYTES: Final = 64 << 20  #: that values may take which are one value in the file, when some rows are read
PADDING: Final = 100  #: bytes behind a column that old writers did not count

DATA, INDEX, DICTIONARY, DATA_V2 = range(4)  #: types of pages
TYPE, UNPACKED, PACKED = 1, 2, 3  # fields of a header
MORE: Final = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}  #: field of a header that says more of a page of a type
VALUES: Final = 1
ENCODING: Final = {DATA: 2, DATA_V2: 4}
#: Plain, dictionaries, runs, differences of numbers, split bytes. The other two, of differences of texts, have inside
#: of a page, where it cannot be seen, how many texts there are and how much of its beginning each shares with the last.
READ_ENCODINGS: Final = (0, 2, 3, 5, 8, 9)


class Page(NamedTuple):
    """What the header of a page says."""

    kind: int
    unpacked: int  #: bytes
    packed: int
    values: int  #: rows, or the elements of lists; of a dictionary its entries
    encoding: int


class Pages:
    """Walks through the pages of a file."""

    def __init__(self, file: BinaryIO, size: int, schema: Any, groups: Sequence[Group]) -> None:
        """Walk through a file of *size* bytes, whose columns and row groups are known."""
        self._file, self._size, self._schema, self._groups = file, size, schema, groups
        self._walked = 0

    def rows_at_a_time(self, wanted: Collection[int], kept: Collection[int]) -> int:
        """See that the pages of some columns claim no more than the footer says; the file stays where it was.

        Args:
            wanted: The numbers of the columns, as they are in the file.
            kept: Those of them whose equal texts stay one.

        Returns:
            How many rows may be read at a time, since one value in the file may stand for each of them.

        Raises:
            Unprocessable: They claim more.
        """
        before = self._file.tell()
        try:
            width = sum(self._width(number, number in kept) for number in wanted)
        finally:
            self._file.seek(before)
        return max(1, MOST_READ_BYTES // max(width, 1))

    def _width(self, number: int, kept: bool) -> int:
        """Return how many bytes a value of a column may take that is one of many in a dictionary."""
        column = self._schema.column(number)
        name = f"The column {column.path[:100]!r}"
        width: int = column.length if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
        if not 0 <= width <= PIECE_BYTES:
            raise broken(f"{name} has values of {width} bytes; {PIECE_BYTES} are allowed.")
        copied = column.physical_type == "BYTE_ARRAY" and not kept
        for place, group in enumerate(self._groups, 1):
            if number >= len(group.chunks):
                raise broken(f"{name} is missing in row group {place}.")
            what, chunk = f"{name} in row group {place}", group.chunks[number]
            if column.max_repetition_level and chunk.values > MOST_LIST_VALUES:
                raise broken(f"{what} has more than {MOST_LIST_VALUES} values in lists. Write smaller row groups.")
            for page in self._pages(chunk, what):
                width = max(width, page.unpacked) if copied else width
        return width

    def _pages(self, chunk: Chunk, what: str) -> Iterator[Page]:
        """Give the pages of one column in one row group."""
        place, end = self._place_of(chunk, what)
        values, left = 0, chunk.unpacked
        while values < chunk.values:
            page, header = self._page_at(place, end, what)
            left -= page.unpacked
            if left < 0:
                raise broken(f"{what} has pages of more than the {chunk.unpacked} bytes that it tells.")
            left += header  # some writers do not count these
            place += header + page.packed
            values += page.values if page.kind in ENCODING else 0
            yield page

    def _place_of(self, chunk: Chunk, what: str) -> tuple[int, int]:
        """Return where the pages of a column begin and end in the file."""
        start, length = chunk.data, chunk.packed
        if 0 < chunk.dictionary < start:
            start = chunk.dictionary
        self._walked += length
        if not 0 <= start <= self._size - length or self._walked > self._size:
            raise broken(f"{what} lies outside of the file, or in another.")
        return start, min(start + length + PADDING, self._size)

    def _page_at(self, place: int, end: int, what: str) -> tuple[Page, int]:
        """Return the page at a place of the file, and how long its header is."""
        try:
            page, length = self._header_at(place, end)
        except NotThrift as error:
            raise broken(f"{what} has a page whose header is broken at byte {place} of the file: {error}") from error
        if not 0 <= page.packed <= end - place - length:
            raise broken(f"{what} has a page that is cut short at byte {place} of the file.")
        if page.unpacked < 0 or max(page.unpacked, page.packed) > MOST_PAGE_BYTES:
            raise broken(
                f"{what} has a page of {page.unpacked} bytes; {MOST_PAGE_BYTES} are allowed. Write smaller pages."
            )
        if page.encoding not in READ_ENCODINGS:
            raise broken(f"{what} has the encoding {page.encoding}. Write it plain or with a dictionary.")
        if page.values < 0 or (page.kind == DICTIONARY and page.values > page.unpacked):
            raise broken(f"{what} has a page that says that it has {page.values} values.")
        return page, length

    def _header_at(self, place: int, end: int) -> tuple[Page, int]:
        """Return what the header of a page says, and how long it is."""
        for most in (FIRST_HEADER_BYTES, MOST_HEADER_BYTES):
            self._file.seek(place)
            header = Compact(self._file.read(max(min(most, end - place), 0)))
            try:
                return header.struct(HEADER_OF_PAGE), header.at
            except CutShort:
                continue
        raise NotThrift("it does not end")


def page_of(header: Struct) -> Page:
    """Return what a header says.

    Raises:
        NotThrift: Something is missing.
    """
    kind, unpacked, packed = (whole(header, number, I32) for number in (TYPE, UNPACKED, PACKED))
    if kind not in MORE:
        return Page(kind, unpacked, packed, 0, READ_ENCODINGS[0])
    what, more = header.get(MORE[kind], (None, {}))
    if what != STRUCT:
        raise NotThrift(f"its field {MORE[kind]} is missing")
    encoding = whole(more, ENCODING[kind], I32) if kind in ENCODING else READ_ENCODINGS[0]
    return Page(kind, unpacked, packed, whole(more, VALUES, I32), encoding)


MORE_OF_PAGE: Final = Shape(dict.fromkeys((VALUES, *ENCODING.values())))
HEADER_OF_PAGE: Final = Shape(
    {**dict.fromkeys((TYPE, UNPACKED, PACKED)), **dict.fromkeys(MORE.values(), MORE_OF_PAGE)}, page_of
)
