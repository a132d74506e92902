"""The face: what ``import ddlab`` promises to others. It uses all of ddlab, and nothing of ddlab uses it.

``training`` starts runs, ``attend`` follows one, ``found`` finds them, ``run`` holds one, ``networks`` puts networks
together and takes them apart. ``listed`` says which tables and figures can be had of a run; a module a question
(``comparison``, ``decisions``, ``composition``, ``maps``, ``trust_region``, ``sweeps``) joins the analyses to the
figures that the pages draw of them.
"""
