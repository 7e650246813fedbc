"""What the database and the store of blobs raise when they cannot be reached, and may be reached soon."""

from __future__ import annotations

import sys
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError

from handlers.errors import StorageUnavailable

DATABASE: Final = (OperationalError, InterfaceError)  #: what the database raises


def is_out_of_reach(error: BaseException) -> bool:
    """Tell whether *error* says that a store cannot be reached at the moment."""
    if isinstance(error, (*DATABASE, StorageUnavailable)):
        return True
    # It is imported where blobs are in S3, and there only.
    botocore = sys.modules.get("botocore.exceptions")
    return botocore is not None and isinstance(error, (botocore.ConnectionError, botocore.HTTPClientError))
