"""Pretexts: tasks on reals alone, by which a pair's trunks are trained before they meet."""
