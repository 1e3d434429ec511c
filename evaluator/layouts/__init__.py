"""Layouts of stored judgments: a file is one. `fits(row)` tells whose rows they are, `judgments(...)` reads them."""
