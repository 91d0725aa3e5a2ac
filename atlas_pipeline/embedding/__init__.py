"""Vectors beside the documents: the text of a row, the embedders, the cache, exact search and the vector index."""
