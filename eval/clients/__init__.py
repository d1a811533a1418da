"""What clients have of the data, and what their generators draw, of one run or of several."""
