"""Atlas Pipeline: move an application from SQL tables to MongoDB collections, and prove that nothing was lost."""
