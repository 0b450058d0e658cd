"""Default values, one module per area of the API."""
