"""All drawing: the only part of emqs that knows matplotlib.

Every function returns a ``matplotlib.figure.Figure`` and touches no global state (no pyplot), so it
works without a screen and in parallel; ``style.save`` writes it.

``style``        colours, borders, scale bars, saving
``curves``       precision-recall curves
``sheets``       the best and the first wrong patches of a ranking, reconstructions
``maps``         scores and boxes drawn on whole slices, results of a few examples
``projections``  maps of the embedding
``reliability``  probabilities against labels
"""
