"""Validation rules, one module per area of the API."""
