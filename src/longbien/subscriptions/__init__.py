"""Subscriptions: who asked to be told is told, at least once, in order, and nobody's slowness is anybody else's.

A guard reads a Subscription when it is written (guard.py). One worker process at a time matches every settled version against
all of them (matcher.py) and gives each hit a number that never changes; it calls rest-hooks (sender.py). Web processes serve those
who hold a connection open (wire.py): a websocket, or server-sent events. http://hl7.org/fhir/R4/subscription.html and
http://hl7.org/fhir/uv/subscriptions-backport"""
