"""Contrastive GANs in JAX: one real sample graded against a batch of fakes."""
