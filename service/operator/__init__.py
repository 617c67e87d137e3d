"""The Kubernetes operator, which keeps clients, resources and trusted issuers as objects of the cluster declare them.

``running`` wires it. ``watching`` runs kopf in the namespaces where it has its ``rights``, and kopf calls ``handlers``.
``reconciling`` compares one object, read like a manifest of `mintmark apply`, with the service and corrects the service by
operations; ``secrets`` does so with the Secret that the object names, through ``api_server``. ``health`` and ``metrics``
report the operator's own state.
"""
