"""What work costs as it grows: steps, evaluation and starts, against what makes them larger."""
