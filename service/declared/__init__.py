"""Clients, resources and trusted issuers as manifests say them: read, compared with what the server has, carried out.

The form is that of objects in Kubernetes, and so one for `mintmark apply` and for an operator there. All is done by
operations: here on Redis, or by the admin API of a running service. What a manifest made is marked with who declares it
(``managed_by``), and nothing else is touched.
"""

from service.declared.changes import Change, DeclaredAct, Difference, compare, list_all, no_longer_declared
from service.declared.kinds import API_VERSION, GROUP, KINDS, VERSION, DeclaredKind
from service.declared.manifest import Manifest, ManifestError, manifest_of, manifests_of, parse_manifest
from service.declared.performing import Performed, perform_change

__all__ = [
    "API_VERSION",
    "GROUP",
    "KINDS",
    "VERSION",
    "Change",
    "DeclaredAct",
    "DeclaredKind",
    "Difference",
    "Manifest",
    "ManifestError",
    "Performed",
    "compare",
    "list_all",
    "manifest_of",
    "manifests_of",
    "no_longer_declared",
    "parse_manifest",
    "perform_change",
]
