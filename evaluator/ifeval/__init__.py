"""IFEval's twenty-five instructions, as Google's published checker has them and with its faults mended."""
