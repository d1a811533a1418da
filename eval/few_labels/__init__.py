"""How few labels a discriminator's features need: classifiers on 1 to 50 labels a class."""
