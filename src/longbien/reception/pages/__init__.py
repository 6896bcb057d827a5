"""The reception's pages, one file a thing."""
