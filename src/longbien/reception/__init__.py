"""Reception: who comes: registration, queues, appointments."""
