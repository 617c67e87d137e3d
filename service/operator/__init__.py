"""The controller that keeps clients, resources and trusted issuers as objects of Kubernetes declare them.

``handlers`` speaks to kopf, which watches objects and holds their finalizers; ``reconciling`` compares one object with the
service, read as `mintmark apply` reads manifests, and puts the service right by operations; ``secrets`` settles the content of
the Secret that an object names; ``api_server`` is the little that is said to the API server besides.
"""
