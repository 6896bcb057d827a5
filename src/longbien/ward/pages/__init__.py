"""The ward's pages, a file for each."""
