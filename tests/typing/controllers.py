"""Each controller has the functions that its spec wants: mypy checks this module, and nothing runs it."""

from __future__ import annotations

import generated.konduit
import generated.manage
import generated.ops
import generated.provider
import handlers.konduit
import handlers.manage
import handlers.ops
import handlers.provider

_konduit: generated.konduit.KonduitOperations = handlers.konduit
_manage: generated.manage.ManageOperations = handlers.manage
_ops: generated.ops.OpsOperations = handlers.ops
_provider: generated.provider.ProviderOperations = handlers.provider
