"""The volumes of pods: made on the node's file system, mounted into containers."""
