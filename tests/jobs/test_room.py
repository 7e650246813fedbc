"""No job is taken up for which there is no room."""

import pytest

from handlers.errors import InsufficientStorage
from tests.jobs.conftest import ended
from tests.jobs.workshop import jobs_of


def test_a_job_is_refused_while_the_disk_is_at_its_reserve(jobs, settings):
    """Nothing of it is stored, and jobs can still be read."""
    kept = jobs.submit("quick", "x", {}, owner=None)
    careful = jobs_of(settings.model_copy(update={"disk_reserve_bytes": 1 << 60}))

    with pytest.raises(InsufficientStorage):
        careful.submit("quick", "x", {}, owner=None)

    assert [kept.id] == [job.id for job in careful.list()]
    assert kept.id == careful.read(kept.id).id
    careful.database.close()
    careful.queue.close()


def test_a_job_that_finds_the_disk_full_says_so(jobs, workers):
    """The reason is that of a full disk, and no fault of the server's."""
    workers.start()

    job = ended(jobs, jobs.submit("failing", "x", {"how": "full"}, owner=None).id)

    assert (507, "failed") == (job.problem["status"], job.status)
    assert "full" in job.problem["detail"]
