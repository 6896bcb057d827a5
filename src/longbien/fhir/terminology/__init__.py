"""Code systems, value sets and concept maps as algebra: who is below whom, what a compose comes to, what maps to what.

Nothing here reads anything: a `Library` holds what a question needs. http://hl7.org/fhir/R4/terminology-module.html"""
