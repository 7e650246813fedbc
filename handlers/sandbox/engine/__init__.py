"""Programs of others in containers, by the Docker Engine API; Docker speaks it, and so does Podman."""
