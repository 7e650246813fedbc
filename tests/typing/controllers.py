"""Each controller has the functions that its spec wants: mypy checks this module, and nothing runs it."""

from __future__ import annotations

import generated.konduit
import generated.ops
import handlers.konduit
import handlers.ops

_konduit: generated.konduit.KonduitOperations = handlers.konduit
_ops: generated.ops.OpsOperations = handlers.ops
