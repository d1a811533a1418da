"""Listings of folders and archives of images: files, splits, classes, and what is left out."""
