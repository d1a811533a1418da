"""The loop, the procedures that it trains, and what belongs to it: outputs, progress, stopping."""
