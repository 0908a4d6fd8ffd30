"""Keeping the warehouse: backup, restore, and what is let go when it is old."""
