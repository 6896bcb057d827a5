-- What may be told now, and which lanes stand still, found without going through a long queue.
CREATE INDEX subscription_event_due ON subscription_event (sub, due) WHERE state = 'w';
