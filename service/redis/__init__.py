"""The client of Redis on the hot path: links, nodes, connections of each shape, scripts. What it keeps there is `store`."""
