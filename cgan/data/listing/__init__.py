"""What a folder or an archive of images holds: files, splits, classes, and what is left out."""
