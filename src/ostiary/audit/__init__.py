"""How records become bytes, leaves, tiles and proofs. Pure: files belong to `store`."""
