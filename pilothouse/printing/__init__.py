"""Objects as tables: Kubernetes' columns, one definition for the command and the server."""

from pilothouse.printing.table import Cell, Column, Row, RowCondition, Table
from pilothouse.printing.tables import columns_of, printer_for, table_of

__all__ = [
    "Cell",
    "Column",
    "Row",
    "RowCondition",
    "Table",
    "columns_of",
    "printer_for",
    "table_of",
]
