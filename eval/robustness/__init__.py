"""How far a discriminator's outputs move within a ball around a real: by attack, by Jacobian."""
