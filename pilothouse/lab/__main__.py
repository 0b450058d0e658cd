"""`python -m pilothouse.lab`: the same as `pilot lab`."""

from pilothouse.lab.cli import app

app(prog_name="pilot lab")
