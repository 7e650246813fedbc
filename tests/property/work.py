"""A worker that calls nobody but this machine, whatever callbackUrl was made up."""

from handlers import worker
from handlers.files.remote import Remote
from tests.property.home import only_home


def at_home(networks: object) -> Remote:
    """Return what sends requests to this machine alone."""
    return Remote(resolve=only_home)


if __name__ == "__main__":
    worker.Remote = at_home  # type: ignore[assignment, misc] - it takes the place of the class that the messenger calls
    worker.work()
