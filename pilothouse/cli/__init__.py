"""The pilot command. Each module is one command or a family; none is imported before it is used."""
