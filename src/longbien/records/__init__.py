"""Records office: the legal record: papers, signatures, closing, export."""
