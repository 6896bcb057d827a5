"""What may be done at the reception, and by whom."""

from __future__ import annotations

from ..access.roles import Permission

RECEIVE = Permission("receive", "Receive patients at the desk: registration, visits, numbers", frozenset({"clerk", "nurse"}))
QUEUE = Permission("queue", "Call the numbers of a room", frozenset({"clerk", "nurse", "doctor", "head"}))
APPOINT = Permission("appoint", "Book, move and cancel appointments", frozenset({"clerk", "nurse", "doctor", "head"}))
MERGE = Permission("merge", "Join two records of one person, and take that back", frozenset({"clerk", "records"}))
FRONT = Permission("front", "Find reception and appointments in the top bar", frozenset({"clerk"}))
OFFICE = Permission("merge-office", "Find the list of double records in the top bar", frozenset({"records"}))
