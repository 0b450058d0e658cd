"""The client that scripts import: pilothouse.client.aio and pilothouse.client.blocking."""
