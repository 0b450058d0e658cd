"""The pod network of one node: bridge, addresses, routes to peers, masquerade."""
