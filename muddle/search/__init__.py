"""The search for a muddle: latent geometry, measures, scores, objective, strategies."""
