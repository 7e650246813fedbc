"""What the README says of settings and of what is not built."""

import pytest

from tools import readme_tables


@pytest.mark.parametrize("name", readme_tables.TABLES)
def test_the_readme_says_what_the_code_says(name):
    """The table is the one that the code makes; `python -m tools.readme_tables` writes it."""
    written = readme_tables.part(name).search(readme_tables.README.read_text())

    assert readme_tables.TABLES[name]() == written[0]


def test_what_is_listed_answers_501(tmp_path):
    """An operation of the list answers a problem that says so, to a request that keeps to its spec."""
    from handlers.app import create_app
    from handlers.settings import Settings

    client = create_app(Settings(home=tmp_path)).test_client()

    for address in ("/konduit/healthcheck", "/konduit/config"):
        answer = client.get(address)
        assert 501 == answer.status_code
        assert "application/problem+json" == answer.headers["Content-Type"]
        assert "This operation is not built yet." == answer.json["title"]
