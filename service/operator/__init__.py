"""The controller that keeps clients, resources and trusted issuers as objects of Kubernetes declare them.

``running`` wires it; ``watching`` runs kopf wherever ``rights`` are, and kopf calls ``handlers``; ``reconciling`` compares one
object with the service, read as `mintmark apply` reads manifests, and puts the service right by operations, with ``secrets``
for the Secret that an object names. ``health`` and ``metrics`` are what it says of itself, ``api_server`` the little that is
said to the API server besides.
"""
