"""The report of an evaluation as one page without script or request."""
