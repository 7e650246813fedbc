"""The operation `primes`."""

import pytest

from handlers.errors import InputInvalid
from handlers.operations import primes as operation


@pytest.mark.parametrize("first_n", [20, "20"])
def test_the_primes_below_twenty(first_n, tmp_path):
    """The example of the public server: line feeds between the numbers, none at the end; a text is a number too."""
    outputs = operation.run(first_n, directory=tmp_path)

    assert "2\n3\n5\n7\n11\n13\n17\n19" == outputs["primes"].path.read_text()
    assert 8 == outputs["count"]


@pytest.mark.parametrize(("bound", "count"), [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (25, 9), (1_000_000, 78498)])
def test_as_many_as_there_are(bound, count, tmp_path):
    """The bound itself is not among them; below a million there are 78,498 (OEIS A006880)."""
    assert count == operation.run(bound, directory=tmp_path)["count"]


@pytest.mark.parametrize("bound", [-1, 1_000_001])
def test_a_bound_out_of_bounds_is_refused(bound, tmp_path):
    """The fault names the input."""
    with pytest.raises(InputInvalid) as caught:
        operation.run(bound, directory=tmp_path)

    assert ["/first_n"] == [fault.place for fault in caught.value.faults]
