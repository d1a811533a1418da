"""Search of the latents for samples that a score likes best, by few evaluations of it."""
