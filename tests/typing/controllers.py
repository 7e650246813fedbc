"""Each controller has the functions that its spec wants: mypy checks this module, and nothing runs it."""

from __future__ import annotations

import generated.agent
import generated.brizo
import generated.dep6
import generated.konduit
import generated.manage
import generated.metadata
import generated.ops
import generated.provider
import generated.v2
import handlers.agent
import handlers.brizo
import handlers.dep6
import handlers.konduit
import handlers.manage
import handlers.metadata
import handlers.ops
import handlers.provider
import handlers.v2

_agent: generated.agent.AgentOperations = handlers.agent
_brizo: generated.brizo.BrizoOperations = handlers.brizo
_dep6: generated.dep6.Dep6Operations = handlers.dep6
_konduit: generated.konduit.KonduitOperations = handlers.konduit
_manage: generated.manage.ManageOperations = handlers.manage
_metadata: generated.metadata.MetadataOperations = handlers.metadata
_ops: generated.ops.OpsOperations = handlers.ops
_provider: generated.provider.ProviderOperations = handlers.provider
_v2: generated.v2.V2Operations = handlers.v2
