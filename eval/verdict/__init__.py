"""Whether a generator covers its data: from counts and figures to a verdict, words and pictures."""
