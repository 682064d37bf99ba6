"""The architecture, in the order of the paper's figure; torch only, no files and no settings.

Read `qsar` (the small generated network), `hypernetwork` (what generates it), `context` (retrieval over
the known targets), `retrieval` (what their labels say about a compound), `initialisation`, `scaling`
and `losses`. Axis names used in every shape of this package:

    t  targets in the batch      c  compounds per target      m  rows of the context memory
    j  landmark compounds        h  heads                     d  embedding width
"""
