"""Claims to the insurance and to the city's axis: made, checked, signed, sent, followed."""
