"""The synthetic hospital: one module per department, run in the order fill.py names them."""
