"""The runtime on Podman's REST service."""
