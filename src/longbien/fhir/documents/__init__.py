"""Documents: bundles that say by themselves, in words and in resources, what somebody is to read. http://hl7.org/fhir/R4/documents.html"""
