"""Ward: the stay: beds, observations, drugs given, handover, theatre, discharge."""
