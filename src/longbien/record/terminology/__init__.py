"""Terminology resources of the record and of the specification, as one: found by canonical url and version, kept in memory.

There is no table of concepts. A CodeSystem is looked up by its url's key at every question (one look at an index) and read into
memory once per version and process: what was acknowledged is found by the very next question on any worker, and nothing can
fall behind. Memory is bounded: SHELF bytes of JSON a process, LARGEST for one resource."""
