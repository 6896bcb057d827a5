"""Import: files, folders, NDJSON and bundles into the record, in bounded memory, resumable, nothing lost silently."""
