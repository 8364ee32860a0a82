"""Regraft's reference trainer. Nothing is imported here, so that SIGTERM can be caught at once."""
