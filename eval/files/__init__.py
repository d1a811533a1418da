"""Content on disk: files of lines, arrays, and what fingerprints them."""
