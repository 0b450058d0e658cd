"""The OpenAPI documents of the served kinds, in versions 2 and 3, from their descriptors."""

from master.http.openapi.documents import Document, Documents

__all__ = ["Document", "Documents"]
