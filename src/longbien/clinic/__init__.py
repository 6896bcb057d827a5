"""The doctor's room: the visit from reason to signature, the prescription, follow-up, referral, sick leave, the list of the day."""
