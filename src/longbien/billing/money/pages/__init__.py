"""The money's pages: the desk, the exceptions, refunds, the shift, the end of the day, and the patient's own."""
