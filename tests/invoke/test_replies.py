"""What callers may ask of jobs over HTTP: to wait, to be told, to be called, to be asked twice, to be let go."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.jobs.tables import Status
from handlers.wire import Preferences, preferences
from tests.jobs.conftest import eventually

ASYNC = ("/api/v1/invoke/async/hash", "/invoke/hash/invokeasync", "/invoke/invokeasync")
STATUS = ("/api/v1/invoke/jobs/{}", "/invoke/hash/getstatus?jobid={}", "/invoke/getstatus?jobid={}")
EVENTS = ("/api/v1/invoke/jobs/{}/events", "/invoke/hash/events?jobid={}")
CANCEL = ("/api/v1/invoke/jobs/{}", "/invoke/hash/job?jobid={}")


def submit(client, path=ASYNC[0], text="abcd", **options):
    """Submit a job."""
    inputs = {"to_hash": text}
    body = {"operation": "hash", "params": inputs} if path == ASYNC[2] else inputs
    return client.post(path, json=body, **options)


def new(client):
    """Return the id of a new job."""
    return submit(client).json["jobid"]


def soon(act, *arguments):
    """Do something while somebody waits."""
    timer = threading.Timer(0.2, act, arguments)
    timer.start()
    return timer


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Preferences()),
        ("respond-async", Preferences(respond_async=True)),
        ("Respond-Async, WAIT=10", Preferences(respond_async=True, wait_s=10)),
        ('wait="5"; x=y, wait=7', Preferences(wait_s=5)),
        ("wait=soon", Preferences()),
        ("wait=-1", Preferences()),
        ("wait=99999999999", Preferences()),
        ("return=minimal, wait = 3", Preferences(wait_s=3)),
    ],
)
def test_preferences_are_read_as_rfc_7240_has_them(header, expected):
    """Names in any case, the first of two counts, what is not understood is left out."""
    assert expected == preferences(header)


@pytest.mark.parametrize("path", ASYNC)
def test_who_prefers_to_wait_gets_the_result(client, here, hand, path):
    """`Prefer: wait` on a submission: 200 and the outcome where the job ends in time."""

    def work():
        job = eventually(lambda: [job for job in here.jobs.list(all_owners=True) if job.status is Status.SCHEDULED])[0]
        hand.end(hand.start(job.id))

    for job in here.jobs.list(all_owners=True, limit=1000):
        if job.status is Status.SCHEDULED:
            here.jobs.cancel(job.id, all_owners=True)
    timer = soon(work)

    answer = submit(client, path, headers={"Prefer": "wait=30"})

    timer.join()
    assert (200, "wait=30") == (answer.status_code, answer.headers["Preference-Applied"])
    assert ("succeeded", {"hash_val": "0" * 64}) == (answer.json["status"], answer.json["outputs"])


@pytest.mark.parametrize("path", ASYNC)
def test_a_wait_that_is_too_short_ends_in_a_job(client, path):
    """201, or 202 for who prefers that, with the Location of the job."""
    plain = submit(client, path, headers={"Prefer": "wait=1"})
    either = submit(client, path, headers={"Prefer": "respond-async, wait=1"})

    assert (201, 202) == (plain.status_code, either.status_code)
    for answer in (plain, either):
        assert "scheduled" == client.get(answer.headers["Location"]).json["status"]
        assert "1" == answer.headers["Retry-After"]


@pytest.mark.parametrize("path", STATUS)
def test_a_poll_may_wait_for_the_end(client, hand, path):
    """`Prefer: wait` on a status: the answer comes with the end of the job, and says that it waited."""
    job_id = new(client)
    job = hand.start(job_id)
    timer = soon(hand.end, job)

    answer = client.get(path.format(job_id), headers={"Prefer": "wait=30"})

    timer.join()
    assert ("succeeded", "wait=30") == (answer.json["status"], answer.headers["Preference-Applied"])
    assert "Retry-After" not in answer.headers


def test_without_a_seat_a_preference_is_not_honoured(client, here):
    """It is none that anybody insists on: the answer comes at once, and does not say that it waited."""
    job_id = new(client)
    seats = take_all(here)
    try:
        answer = client.get(STATUS[0].format(job_id), headers={"Prefer": "wait=30"})
    finally:
        leave(here, seats)

    assert (200, "scheduled") == (answer.status_code, answer.json["status"])
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize("path", STATUS)
def test_what_is_known_is_not_sent_again(client, hand, path):
    """304 with the ETag of the state that the caller has; another state is sent."""
    job_id = new(client)
    first = client.get(path.format(job_id))
    same = client.get(path.format(job_id), headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
    hand.start(job_id)
    later = client.get(path.format(job_id), headers={"If-None-Match": first.headers["ETag"]})

    assert (304, b"", first.headers["ETag"]) == (same.status_code, same.data, same.headers["ETag"])
    assert "1" == same.headers["Retry-After"]
    assert (200, "running") == (later.status_code, later.json["status"])
    assert first.headers["ETag"] != later.headers["ETag"]


def read_events(text):
    """Return the events of a stream: ids and documents; comments and the rest do not count."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            events.append((fields["id"], json.loads(fields["data"])))
    return events


@pytest.mark.parametrize("path", EVENTS)
def test_events_tell_each_change_until_the_end(client, hand, path):
    """The first says how the job stands, the last how it ended; then the stream ends."""
    job_id = new(client)
    job = hand.start(job_id)

    def work():
        for percent in (10, 60):
            threading.Event().wait(0.15)
            hand.report(job, percent, f"{percent} of 100")
        threading.Event().wait(0.15)
        hand.end(job)

    timer = soon(work)
    answer = client.get(path.format(job_id))
    events = read_events(answer.text)
    timer.join()

    assert "text/event-stream" == answer.content_type
    assert answer.text.startswith("retry: ")
    assert [("running", 0), ("running", 10), ("running", 60), ("succeeded", 60)] == [
        (document["status"], document["progress"]) for _, document in events
    ]
    assert 4 == len({name for name, _ in events})


@pytest.mark.parametrize("path", EVENTS)
def test_who_comes_back_is_told_what_is_new(client, hand, path):
    """`Last-Event-ID` of the present state brings only what follows it, that of another one the present state too."""
    job_id = new(client)
    job = hand.start(job_id)
    known = client.get(STATUS[0 if "jobs" in path else 1].format(job_id)).headers["ETag"].strip('"')
    timer = soon(hand.end, job)

    answer = client.get(path.format(job_id), headers={"Last-Event-ID": known})
    timer.join()
    events = read_events(answer.text)
    over = client.get(path.format(job_id), headers={"Last-Event-ID": events[-1][0]})
    again = client.get(path.format(job_id), headers={"Last-Event-ID": "something else"})

    assert ["succeeded"] == [document["status"] for _, document in events]
    assert (204, b"") == (over.status_code, over.data)
    assert events == read_events(again.text)


@pytest.mark.parametrize("path", EVENTS)
def test_events_of_no_job_are_not_found(client, path):
    """404, as for its status."""
    assert 404 == client.get(path.format("0" * 32)).status_code


def take_all(here):
    """Take all seats and return how many there were."""
    seats = 0
    while here.watch.take_seat():
        seats += 1
    return seats


def leave(here, seats):
    """Give seats back."""
    for _ in range(seats):
        here.watch.leave_seat()


def free_seats(here):
    """Return how many seats are free."""
    seats = take_all(here)
    leave(here, seats)
    return seats


def test_beyond_the_seats_events_are_refused(client, here):
    """503 with Retry-After; other requests are answered all the same."""
    job_id = new(client)
    seats = take_all(here)
    try:
        refused = client.get(EVENTS[0].format(job_id))
        other = client.get(STATUS[0].format(job_id))
    finally:
        leave(here, seats)

    assert seats == here.settings.event_streams
    assert (503, "5") == (refused.status_code, refused.headers["Retry-After"])
    assert 200 == other.status_code


@pytest.mark.parametrize("path", EVENTS)
def test_whoever_goes_away_leaves_a_seat(client, here, path):
    """Read to the end, broken off, or never read at all: no seat is lost."""
    job_id = new(client)
    before = free_seats(here)

    client.head(path.format(job_id))
    assert before == free_seats(here)
    stream = client.get(path.format(job_id), buffered=False)
    next(iter(stream.response))
    during = free_seats(here)
    stream.close()

    assert (before - 1, before) == (during, free_seats(here))
    here.jobs.cancel(job_id)
    assert "cancelled" in client.get(path.format(job_id)).text
    assert before == free_seats(here) == here.settings.event_streams


@pytest.mark.parametrize("path", CANCEL)
def test_delete_cancels(client, hand, path):
    """200 and `cancelled`, also the second time; 409 where the job has ended by itself, 404 where there is none."""
    waiting, ended = new(client), new(client)
    hand.end(hand.start(ended))

    answers = [client.delete(path.format(job_id)) for job_id in (waiting, waiting, ended, "0" * 32)]

    assert [200, 200, 409, 404] == [answer.status_code for answer in answers]
    assert "cancelled" == answers[0].json["status"] == client.get(STATUS[0].format(waiting)).json["status"]


@pytest.mark.parametrize("path", ASYNC)
def test_a_request_that_is_sent_again_gets_its_job(client, hand, path):
    """The same key and the same body: the same job, while it waits, runs, and after its end; another body is a 422."""
    key = {"Idempotency-Key": str(uuid.uuid4())}

    first = submit(client, path, headers=key)
    job = hand.start(first.json["jobid"])
    running = submit(client, path, headers=key)
    hand.end(job)
    ended = submit(client, path, headers=key)
    other = submit(client, path, "other", headers=key)
    unlike = submit(client, path)

    assert first.json == running.json == ended.json
    assert first.headers["Location"] == ended.headers["Location"]
    assert (422, "KeyReused") == (other.status_code, other.json["type"].rpartition("/")[2])
    assert first.json != unlike.json


def test_a_callback_is_part_of_the_request(client):
    """The same key with another address to call is another request."""
    key = {"Idempotency-Key": str(uuid.uuid4())}

    first = submit(client, f"{ASYNC[0]}?callbackUrl=https://a.example/", headers=key)
    other = submit(client, f"{ASYNC[0]}?callbackUrl=https://b.example/", headers=key)

    assert (201, 422) == (first.status_code, other.status_code)


def test_two_hundred_submissions_with_twenty_keys_make_twenty_jobs(app, here):
    """However many arrive at once, over whichever of the three addresses of one form."""
    run = str(uuid.uuid4())

    def one(number):
        key = {"Idempotency-Key": f"{run} {number % 20}"}
        return submit(app.test_client(), ASYNC[number % 3], f"{run} {number % 20}", headers=key)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(200)))

    ids = {answer.json["jobid"] for answer in answers}
    assert {201} == {answer.status_code for answer in answers}
    assert 20 == len(ids)
    stored = [job for job in here.jobs.list(all_owners=True, limit=1000) if run in str(job.inputs)]
    assert ids == {job.id for job in stored}


@pytest.mark.parametrize("path", ASYNC[:2])
@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://10.0.0.1/", "http://localhost:8030/", "http://a:b@c.example/", "ftp://c.example/"],
)
def test_a_callback_may_not_lead_inside(client, here, path, url):
    """400 with the place, and no job."""
    before = here.jobs.waiting()

    answer = submit(client, path, query_string={"callbackUrl": url})

    assert (400, "callbackUrl") == (answer.status_code, answer.json["errors"][0]["place"])
    assert before == here.jobs.waiting()


@pytest.mark.parametrize("path", ASYNC)
def test_who_wants_a_callback_gets_the_secret(client, here, path):
    """It verifies the signature; without a callback there is none."""
    headers = {"Authorization": f"Bearer {here.tokens.new('cora', ['invoke'])[0]}"}

    first = submit(client, path, headers=headers, query_string={"callbackUrl": "https://receiver.example/"})
    second = submit(client, path, headers=headers, query_string={"callbackUrl": "https://receiver.example/b"})
    without = submit(client, path, headers=headers)

    assert first.json["callbackSecret"].startswith("whsec_")
    assert first.json["callbackSecret"] == second.json["callbackSecret"]
    assert "callbackSecret" not in without.json
