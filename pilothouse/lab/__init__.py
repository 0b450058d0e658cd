"""A real cluster of several hosts on one Linux machine, in namespaces of its own."""
