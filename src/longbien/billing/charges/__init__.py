"""Prices by date, charges by themselves, the bill and the clock of the discharge day."""
