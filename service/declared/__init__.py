"""Manifests of clients, resources and trusted issuers: read, compared with the records of the server, and applied.

Manifests have the form of objects in Kubernetes, for `mintmark apply` and for the operator alike. Changes are made by
operations, on Redis or by the admin API of a running service. Records that a manifest made are marked with the owner of the
manifest (``managed_by``); no other records are touched.
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
