"""Uploads that would fill the disk are refused before they are read."""

import errno

import pytest

from tests.gateway.echo import echo_app

FORM = {"Content-Type": "multipart/form-data; boundary=b"}
BODY = b'--b\r\nContent-Disposition: form-data; name="main"; filename="f"\r\n\r\nbytes\r\n--b--\r\n'


def test_an_upload_for_which_there_is_no_room_is_refused():
    """507 with a problem document; without a reserve, and for other requests, nobody looks."""
    full, free = (echo_app(disk_reserve_bytes=reserve).test_client() for reserve in (1 << 60, 0))

    answer = full.post("/styles/files", data=BODY, headers=FORM)

    assert (507, "application/problem+json") == (answer.status_code, answer.content_type)
    assert "kept in reserve" in answer.json["detail"]
    assert 200 == free.post("/styles/files", data=BODY, headers=FORM).status_code
    assert 200 == full.get("/styles/x/JSON").status_code


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 500)])
def test_a_disk_that_is_full_all_the_same_is_told_from_a_fault_of_ours(number, status):
    """An operation that meets it is answered 507, any other error of the system 500."""

    def fail(**_):
        raise OSError(number, "words")

    assert status == echo_app(handler=fail).test_client().get("/styles/x/JSON").status_code
