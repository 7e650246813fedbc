"""A worker that calls nobody but this machine, whatever callbackUrl or file was made up."""

from handlers import worker
from handlers.files.remote import Remote
from handlers.services import services
from tests.property.home import keep_at_home, only_home


def at_home(networks: object) -> Remote:
    """Return what sends requests to this machine alone."""
    return Remote(resolve=only_home)


def kinds(settings):
    """Return what does the jobs, with files of this machine alone."""
    found = worker.kinds(settings)
    keep_at_home(services())
    return found


if __name__ == "__main__":
    worker.Remote = at_home  # type: ignore[assignment, misc] - it takes the place of the class that the messenger calls
    worker.KINDS = "tests.property.work:kinds"
    worker.work()
