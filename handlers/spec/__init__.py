"""Load, bundle and lint the YAML specs."""
