"""Clinic: the outpatient visit, from reason to signature."""
