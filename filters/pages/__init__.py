"""Reports as pages: one HTML file each, without script, and without anything that would have to be fetched."""
