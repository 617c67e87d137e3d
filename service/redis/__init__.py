"""The client of Redis on the hot path: links, nodes, connections of each shape, scripts.

What is kept there is `store`; what its keys are called, `store/keys.py`.
"""
