"""From a trained run to samples, pictures, walks through latent space and rankings."""
