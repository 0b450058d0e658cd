"""Placing pods on nodes: pure decisions (request, snapshot, filters, scores, placement) and the
loop around them (backlog, scheduling)."""
