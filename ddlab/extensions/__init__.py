"""Composition beyond classifiers of images: auto-encoders, regression and recurrent networks.

What the lab trains (convolutions in one to three dimensions, fully connected networks) is composed by
:class:`ddlab.composition.compose.Composition`; regression with it is :func:`ddlab.composition.blocks.average_logits` of
what that gives. Here are networks that are not classifiers of one image: states in, a state out. ``examples/`` trains
some of each.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Section 2.4.
"""
