"""Orders: what is asked for: laboratory, imaging, drugs, procedures, diets, nursing."""
