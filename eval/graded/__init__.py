"""How well distances of embeddings are those that are known, on pairs that were held out."""
