"""Apps: SMART App Launch 2.x and SMART Backend Services, as far as it is about rights. The addresses are in longbien.oauth,
the pages in longbien.web.

https://hl7.org/fhir/smart-app-launch/STU2.2/"""
