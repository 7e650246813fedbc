"""The keeper: how many hosts there are, and for how long."""

from __future__ import annotations

import pickle
import threading

import psutil
import pytest
from sklearn.linear_model import LinearRegression

from handlers.errors import Unavailable
from handlers.models import keeper, places
from handlers.models.hosts import Hosts
from handlers.models.process import Plan
from handlers.settings import Settings
from tests.jobs.conftest import eventually
from tests.models.test_hosts import hosts_here


@pytest.fixture
def settings(tmp_path):
    """Settings of a machine that has room for hardly more than one model."""
    return Settings(home=tmp_path / "h", models_memory_bytes=1 << 20, predict_timeout_s=20)


@pytest.fixture
def hosts(settings):
    """Hosts, and a keeper that is started when the first is needed."""
    hosts = Hosts(settings)
    yield hosts
    hosts.close()


@pytest.fixture
def plans(settings):
    """Three models, each says its number."""
    found = []
    for number in range(3):
        path = settings.home / "blobs" / f"b{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(LinearRegression().fit([[0], [1]], [number, number])))
        found.append(
            Plan(endpoint=f"e{number}-{id(path)}", blob=path.name, format="pickle", takes="auto", gives="auto")
        )
    return found


def ask(hosts, plan):
    """Return what a model says."""
    return round(hosts.ask(plan, [0.5], 20)["result"]["predictions"])


def keeper_of(settings):
    """Return the process of the keeper, which has its lock open."""
    lock = str(places.keeper_lock(settings))
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return next(child for child in children if lock in [file.path for file in child.open_files()])


def running(plans):
    """Return the endpoints of those models whose hosts run."""
    return {plan.endpoint for plan in plans for _, words in hosts_here() if plan.endpoint in words}


@pytest.mark.long
def test_hosts_make_room_and_no_request_fails(hosts, plans):
    """Where memory is short the host that was asked least recently is stopped; whoever asks it meanwhile waits."""
    assert [0, 1, 2] == [ask(hosts, plan) for plan in plans]
    eventually(lambda: running(plans) == {plans[2].endpoint})
    wrong = []

    def many(number):
        wrong.extend(found for _ in range(3) if (found := ask(hosts, plans[number])) != number)

    threads = [threading.Thread(target=many, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong


@pytest.mark.long
def test_a_keeper_ends_with_those_who_need_it(settings, plans):
    """When nobody is connected any more the keeper ends its hosts and itself; the next who needs it starts another."""
    hosts = Hosts(settings)
    assert 0 == ask(hosts, plans[0])
    first = keeper_of(settings)

    hosts.close()
    first.wait(keeper.LINGER_S + 15)

    assert set() == running(plans)
    hosts = Hosts(settings)
    assert 1 == ask(hosts, plans[1])
    hosts.close()


def test_a_keeper_waits_for_nobody_after_one_who_needs_no_more(settings, monkeypatch):
    """It ends as soon as such a caller has left, however long it lingers else, but not while somebody else is there."""
    monkeypatch.setattr(keeper, "LINGER_S", 3600)
    places.folder(settings)
    door = keeper.Door(keeper.Keeper(settings), places.keeper_socket(settings))
    running = threading.Thread(target=door.run, daemon=True)
    running.start()
    here, passing = Hosts(settings), Hosts(settings)
    assert here.line.reaches()

    passing.close(for_good=True)
    eventually(lambda: door._callers == 1)
    assert {"hosts": 0} == here.line.tell({})
    here.close(for_good=True)

    running.join(30)
    assert not running.is_alive()


def test_a_killed_keeper_is_replaced(settings, hosts, plans):
    """Where a keeper is killed its hosts end with it, and the next request starts a new one."""
    assert 0 == ask(hosts, plans[0])
    keeper_of(settings).kill()
    eventually(lambda: not running(plans))

    def again():
        try:
            return ask(hosts, plans[0]) == 0
        except Unavailable:
            return False

    eventually(again)


def test_a_model_whose_file_is_gone_is_not_tried_for_ever(hosts, plans, settings):
    """A host that cannot be started is given up for a while, and callers hear why."""
    (settings.home / "blobs" / plans[0].blob).unlink()

    with pytest.raises(Unavailable, match=r"gone|ended"):
        ask(hosts, plans[0])
    assert 1 == ask(hosts, plans[1])
