"""The chart: one screen, one request. Pure: typed inputs in, a view-model and SVG out; no store, no HTTP.

record.py    the typed inputs (Series, Visit, DrugOrder ...) and how FHIR resources become them
axis.py      time -> percent, at three speeds
spark.py     sparklines, bars of blood pressure, flags
bars.py      one drug, one row: doses as bars
pins.py      marks of visits, images and notes, gathered where crowded
measures.py  names, units and ranges of what is measured
since.py     what is new since you last looked
model.py     all of it together
"""
