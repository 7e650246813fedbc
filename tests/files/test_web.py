"""Files on web servers, good and bad ones."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from handlers.errors import AddressRefused, BadGateway, NotFound, RangeNotSatisfiable, TooLarge
from handlers.files.fetch import Fetcher
from handlers.files.ranges import Wanted
from handlers.files.remote import Remote
from handlers.files.web import spool
from tests.files.upstream import always, ranging, whole

BODY = bytes(range(256)) * 4
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(content):
    """Return all bytes of a content, and end it."""
    try:
        return b"".join(content.chunks)
    finally:
        content.chunks.close()


def test_a_file_comes_whole_with_what_its_server_says(upstream, web):
    """Length, type, validators and name are those of the server."""
    upstream.paths["/a.csv"] = ranging(BODY, ETag='"v1"', Content_Type="text/csv", Last_Modified="yesterday")

    content = web("/a.csv").open(None, "")

    facts = content.facts
    assert BODY == read(content)
    assert (1024, None, '"v1"', "text/csv", "yesterday", "a.csv") == (
        content.total,
        content.span,
        facts.etag,
        facts.content_type,
        facts.modified,
        facts.name,
    )


@pytest.mark.parametrize("serve", [ranging(BODY, ETag='"v1"'), always(*whole(BODY, ETag='"v1"'))], ids=["knows", "not"])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(10, 19), BODY[10:20]),
        (Wanted(1000), BODY[1000:]),
        (Wanted(1000, 5000), BODY[1000:]),
        (Wanted(suffix=7), BODY[-7:]),
    ],
)
def test_a_part_is_the_part_also_where_the_server_knows_no_ranges(upstream, web, serve, wanted, expected):
    """The server's own part is handed on; else it is cut out here."""
    upstream.paths["/a"] = serve

    content = web("/a").open(wanted, "")

    assert expected == read(content)
    assert (1024, len(expected)) == (content.total, content.span.length)


@pytest.mark.parametrize("serve", [ranging(BODY), always(*whole(BODY))], ids=["knows", "not"])
def test_a_part_that_is_not_there_is_416_with_the_length(upstream, web, serve):
    """Content-Range tells it."""
    upstream.paths["/a"] = serve

    with pytest.raises(RangeNotSatisfiable) as caught:
        web("/a").open(Wanted(5000), "")

    assert "bytes */1024" == caught.value.headers["Content-Range"]


@pytest.mark.parametrize("serve", [ranging(BODY, ETag='"v2"'), always(*whole(BODY, ETag='"v2"'))], ids=["knows", "not"])
def test_a_part_of_another_version_is_not_sent(upstream, web, serve):
    """If-Range names the first version, so the second comes whole."""
    upstream.paths["/a"] = serve

    content = web("/a").open(Wanted(5), '"v1"')

    assert (None, BODY) == (content.span, read(content))


@pytest.mark.parametrize(
    "pieces",
    [whole(BODY, length=2000), [*whole(BODY[:-1], length=1024)], [CHUNKED + b"400\r\n" + BODY[:100]]],
    ids=["short", "one byte short", "chunk"],
)
def test_a_file_that_breaks_off_is_an_error(upstream, web, pieces):
    """Nobody takes a part for the whole."""
    upstream.paths["/a"] = always(*pieces)

    with pytest.raises(BadGateway):
        read(web("/a", 5000).open(None, ""))


def test_a_file_without_a_length_is_stored_before_it_is_sent(upstream, web):
    """Its length is known before its first byte, and parts of it are parts."""
    upstream.paths["/a"] = always(CHUNKED + b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")

    assert (10, b"helloworld") == ((content := web("/a").open(None, "")).total, read(content))
    assert b"low" == read(web("/a").open(Wanted(3, 5), ""))


def test_a_file_without_a_length_is_bounded(upstream, web):
    """It is not stored beyond the bound."""
    upstream.paths["/a"] = always(b"HTTP/1.1 200 OK\r\n\r\n", BODY, BODY)

    with pytest.raises(TooLarge):
        web("/a").open(None, "")


def test_a_file_without_a_length_has_to_be_here_in_time():
    """Who drips it cannot keep a thread for ever."""
    with pytest.raises(BadGateway):
        spool(iter([b"a", b"b"]), 10, until=time.monotonic() - 1)


@pytest.mark.parametrize(
    "pieces",
    [[30.0], [b"HTTP/1.1 200 OK\r\n", *[piece for _ in range(20) for piece in (0.2, b"X-A: b\r\n")]]],
    ids=["silent", "slow headers"],
)
def test_a_server_that_keeps_us_waiting_is_given_up(upstream, hasty, pieces):
    """Also where it sends a little now and then."""
    upstream.paths["/a"] = always(*pieces)

    with pytest.raises(BadGateway):
        hasty("/a").open(None, "")


def test_a_slow_body_is_given_up(upstream, hasty):
    """A byte now and then is not enough."""
    upstream.paths["/a"] = always(whole(b"", length=50)[0], *[piece for _ in range(20) for piece in (0.2, b"x")])

    with pytest.raises(BadGateway):
        read(hasty("/a").open(None, ""))


def test_redirects_are_followed_and_judged(upstream, web):
    """To a place that may be called, not to one that may not, and not for ever."""
    upstream.paths["/a"] = always(*whole(b"", status="302 Found", Location="/b/c.bin"))
    upstream.paths["/b/c.bin"] = ranging(BODY)
    upstream.paths["/private"] = always(*whole(b"", status="302 Found", Location="http://10.0.0.1/"))
    upstream.paths["/round"] = always(*whole(b"", status="302 Found", Location="/round"))

    content = web("/a").open(None, "")

    assert ("c.bin", BODY) == (content.facts.name, read(content))
    with pytest.raises(AddressRefused):
        web("/private").open(None, "")
    with pytest.raises(BadGateway):
        web("/round").open(None, "")


@pytest.mark.parametrize(("status", "problem"), [("404 Not Found", NotFound), ("410 Gone", NotFound),
                                                 ("500 Oops", BadGateway), ("403 No", BadGateway)])  # fmt: skip
def test_a_bad_answer_is_a_problem(upstream, web, status, problem):
    """What is not there is 404, the rest is the other server's fault."""
    upstream.paths["/a"] = always(*whole(b"secret", status=status))

    with pytest.raises(problem) as caught:
        web("/a").open(None, "")

    assert "127.0.0.1" not in caught.value.detail


def test_a_probe_reads_next_to_nothing(upstream, web):
    """HEAD where it is answered, else the first byte."""
    upstream.paths["/head"] = ranging(BODY)
    upstream.paths["/none"] = lambda method, headers: (
        whole(b"", status="405 No") if method == "HEAD" else ranging(BODY)(method, headers)
    )

    assert (1024, 1024) == (web("/head").probe().length, web("/none").probe().length)
    assert ["HEAD", "HEAD", "GET"] == [method for method, _, _ in upstream.requests]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8030/",
        "http://[::1]:80/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://localhost:1/",
        "http://user:password@example.com/",
        "http://rebound.example:8080/",
        "ftp://example.com/",
    ],
)
def test_refused_addresses_are_refused_before_any_connection(url):
    """However they are spelled, and whatever their name resolves to."""
    connections = []
    remote = Remote(resolve=lambda host, port: ["127.0.0.1"])
    fetcher = Fetcher(remote, patience_s=1, connect=lambda *where: connections.append(where))

    with pytest.raises(AddressRefused):
        fetcher.open(url)

    assert [] == connections


def test_a_name_is_resolved_once_and_just_that_address_called():
    """A name that resolves differently the next moment gains nothing."""
    answers, connections = [["93.184.216.34"], ["127.0.0.1"]], []

    def connect(address, timeout_s):
        connections.append(address)
        raise ConnectionRefusedError

    fetcher = Fetcher(Remote(resolve=lambda host, port: answers.pop(0)), patience_s=1, connect=connect)
    with pytest.raises(BadGateway):
        fetcher.open("http://rebound.example:8080/")

    assert ([("93.184.216.34", 8080)], 1) == (connections, len(answers))


class Redirecting:
    """Connects to a server that says no more than where to go instead."""

    def __init__(self, target):
        self.connections = []
        self._answer = b"".join(whole(b"", status="307 Temporary Redirect", Location=target))
        self._peers = []

    def __call__(self, address, timeout_s):
        """Open a connection."""
        ours, theirs = socket.socketpair()
        theirs.sendall(self._answer)
        self.connections.append(address)
        self._peers.append(theirs)
        return ours

    def close(self):
        """End all connections."""
        for peer in self._peers:
            peer.close()


HOPS = ["http://10.0.0.1/", "http://2130706433/", "http://[::ffff:7f00:1]/", "http://[fec0::1]/", "//127.1/a",
        "http://a@second.example/", "file:///etc/passwd", "http://second.example/"]  # fmt: skip


@pytest.mark.parametrize("target", HOPS)
def test_each_redirect_is_judged_before_any_connection(target):
    """In every spelling, and by what its name resolves to."""
    names = {"first.example": ["93.184.216.34"], "second.example": ["93.184.216.34", "::1"]}

    with contextlib.closing(Redirecting(target)) as connect:
        fetcher = Fetcher(Remote(resolve=lambda host, port: names[host]), patience_s=1, connect=connect)
        with pytest.raises(AddressRefused):
            fetcher.open("http://first.example/")

    assert [("93.184.216.34", 80)] == connect.connections


def test_a_name_that_is_rebound_between_two_redirects_is_refused():
    """The same host is judged anew each time, by what it resolves to then."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]

    with contextlib.closing(Redirecting("/again")) as connect:
        fetcher = Fetcher(Remote(resolve=lambda host, port: answers.pop(0)), patience_s=1, connect=connect)
        with pytest.raises(AddressRefused):
            fetcher.open("http://rebound.example/")

    assert ([("93.184.216.34", 80)], []) == (connect.connections, answers)
