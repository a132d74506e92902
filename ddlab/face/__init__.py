"""The face: what ``import ddlab`` promises to others. It uses all of ddlab, and nothing of ddlab uses it.

``training`` starts runs, ``attend`` follows one, ``found`` finds them, ``run`` holds one, ``networks`` puts networks
together and takes them apart. ``preview`` looks at an experiment before it is trained, ``playground`` walks in two
dimensions, ``pipeline`` cuts a network across its layers, ``recorded`` holds what was measured once. ``listed`` says
which tables and figures can be had of each; a module a question (``posed``, ``planned``, ``comparison``, ``decisions``,
``composition``, ``maps``, ``trust_region``, ``sweeps``) joins the analyses to the figures that the pages draw of them.
"""
