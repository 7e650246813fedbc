"""What the README says of settings."""

import pytest

from tools import readme_tables


@pytest.mark.parametrize("name", readme_tables.TABLES)
def test_the_readme_says_what_the_code_says(name):
    """The table is the one that the code makes; `python -m tools.readme_tables` writes it."""
    written = readme_tables.part(name).search(readme_tables.README.read_text())

    assert readme_tables.TABLES[name]() == written[0]
