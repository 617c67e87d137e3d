"""The operator's credentials for the cluster: the account of its pod, or those in KUBECONFIG."""

import kopf

from service.operator.api_server import ApiServerError


def login(settings: kopf.OperatorSettings, **_: object) -> kopf.ConnectionInfo:
    """Return address and credentials, for kopf. Raises LoginError."""
    found = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)
    if found is None:
        raise kopf.LoginError("there is no account of a pod here, and KUBECONFIG names no file")
    return found


def connection() -> kopf.ConnectionInfo:
    """Return the current credentials, as the token of a pod's account is replaced every hour. Raises ApiServerError."""
    try:
        return login(kopf.OperatorSettings())
    except (kopf.LoginError, OSError) as error:
        raise ApiServerError(str(error)) from error
