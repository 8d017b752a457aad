"""Vehicle and person re-identification with divide-and-conquer metric learning."""
