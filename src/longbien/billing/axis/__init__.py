"""The receiving side of the city's data axis: claims of any hospital become resources of that patient."""
