"""The handwritten half of Seamark: controllers, one per spec, and the domain beside them."""

import os

# onnxruntime reports its use to its maker unless it is told not to before it is imported, in whichever process that is.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
