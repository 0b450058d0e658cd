"""The seam to the container engine: contract, Podman and in-memory implementations."""
