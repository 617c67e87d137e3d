"""Every event that the service logs or counts as a security event: its name, level, meaning and fields.

A log call names a member: ``log.warning(Event.REFRESH_TOKEN_REUSED, extra={"client_id": …})``. docs/reference/events.md is
generated from them.
"""

from enum import StrEnum
from logging import DEBUG, ERROR, INFO, WARNING

COUNTED, SECURITY = 0, True
"""The level of an event that is only counted, and the mark of an event that ``mintmark_security_events_total`` counts."""


class Event(StrEnum):
    """An event by its name."""

    level: int
    """A level of the module ``logging``; ``COUNTED``: it is not logged."""
    text: str
    """A sentence about what has happened."""
    fields: tuple[str, ...]
    """The members of its log line in addition to those of every line."""
    is_security: bool
    """Whether it may be an attack, and is counted as a security event."""

    def __new__(cls, name: str, level: int, text: str, fields: str = "", is_security: bool = False) -> "Event":
        """Make a member from its row."""
        event = str.__new__(cls, name)
        event._value_ = name
        event.level, event.text, event.fields, event.is_security = level, text, tuple(fields.split()), is_security
        return event

    # fmt: off
    # the process
    SERVING = "serving", INFO, "The service is ready at this URL.", "url issuer worker pid"
    ADMIN_SERVING = "admin_serving", INFO, "The operators' port is ready at this URL; the hint says what is off there.", "url hint"
    MTLS_SERVING = "mtls_serving", INFO, "Clients are asked for a certificate at this URL (mtls_port).", "url"
    FILES_RELOADED = "files_reloaded", INFO, "Certificates or keys in files have changed and were read again.", "files"
    FILES_UNREADABLE = "files_unreadable", ERROR, "Certificates or keys in files have changed and cannot be read: those of before go on to count.", "files reason"
    DRAINING = "draining", INFO, "The service takes no new connections and finishes the requests it has.", "seconds worker"
    STOPPED = "stopped", INFO, "The service has ended.", "worker"
    WORKER_DIED = "worker_died", ERROR, "A worker process ended by itself; another is started.", "worker pid exit_code"
    WORKER_KILLED = "worker_killed", ERROR, "A worker process did not end in time and was killed.", "pid after_seconds"
    WORKER_ALREADY_ENDED = "worker_already_ended", DEBUG, "A worker process was to be ended and had ended.", "pid"
    OPENID_CONNECT_DISABLED = "openid_connect_disabled", WARNING, "There is no key to sign with, so OpenID Connect is off.", "hint"
    PAGES_FOLDER_UNKNOWN_FILE = "pages_folder_unknown_file", WARNING, "A file in pages_folder has no meaning.", "file known"
    BACKGROUND_TASK_FAILED = "background_task_failed", ERROR, "A background task failed and is started again.", "task restart_in"
    BACKGROUND_TASK_RECOVERED = "background_task_recovered", INFO, "A background task that failed runs again.", "task"

    # requests
    REQUEST = "request", INFO, "Access log (access_log_sample): a request was answered.", "endpoint method path status grant_type milliseconds address"
    REFUSED = "refused", INFO, "A request was refused (docs/reference/refusals.md).", "path error status reason_code reason"
    INCIDENT = "incident", ERROR, "An unforeseen error; the client got server_error with this incident id.", "incident path"
    MALFORMED_REQUEST = "malformed_request", INFO, "Bytes that are no HTTP; one line a second at most.", "reason address left_out"
    TOKEN_ISSUED = "token_issued", DEBUG, "A token request was answered.", "grant_type client_id subject scope repeated"
    TOKEN_EXCHANGED = "token_exchanged", INFO, "A token is exchanged for another one (RFC 8693).", "client_id subject username subject_token_type subject_client_id issued_token_type actor scope audience acr auth_time address"
    INTROSPECTION_REFUSED = "introspection_refused", INFO, "A client asked about a token that does not concern it.", "client_id token_client_id audience resources reason"
    REVOCATION_OF_FOREIGN_TOKEN = "revocation_of_foreign_token", WARNING, "A client tried to revoke another client's token.", "client_id"
    CLIENT_KEYS_UNAVAILABLE = "client_keys_unavailable", WARNING, "A client's jwks_uri could not be fetched.", "client_id reason"
    CLIENT_DOCUMENT_UNUSABLE = "client_document_unusable", INFO, "The document that a client_id is the URL of cannot be fetched or used.", "client_id host reason"
    SECTOR_IDENTIFIER_UNAVAILABLE = "sector_identifier_unavailable", INFO, "A sector_identifier_uri could not be fetched.", "client_id reason"
    DECISION_API_CALL = "decision_api_call", INFO, "A call of the decision API was answered.", "call api_key result_code action status"
    ADMIN_API_UNAVAILABLE = "admin_api_unavailable", WARNING, "The admin API answered 503.", "path reason"
    CONSOLE_UNAVAILABLE = "console_unavailable", WARNING, "The console answered 503.", "reason"

    # possible attacks
    CODE_REPLAYED = "code_replayed", WARNING, "A code was redeemed twice; its grant is ended.", "client_id subject grant_id ended", SECURITY
    REFRESH_TOKEN_REUSED = "refresh_token_reused", WARNING, "A used refresh token came again; its grant is ended.", "client_id subject grant_id ended", SECURITY
    CODE_REPEATED = "code_repeated", WARNING, "A redemption was repeated within its grace window and got the same response: a lost response, or a thief who came second.", "client_id subject grant_id address", SECURITY
    REFRESH_TOKEN_REPEATED = "refresh_token_repeated", WARNING, "A refresh was repeated within its grace window and got the same response: a lost response, or a thief who came second.", "client_id subject grant_id address", SECURITY
    POLLED_REQUEST_REPLAYED = "polled_request_replayed", WARNING, "A device code or auth_req_id was redeemed twice; its grant is ended.", "client_id subject grant_id ended", SECURITY
    POLLED_REQUEST_REPEATED = "polled_request_repeated", WARNING, "A redemption of a device code or auth_req_id was repeated within its grace window and got the same response: a lost response, or a thief who came second.", "client_id subject grant_id address", SECURITY
    CLIENT_BLOCKED = "client_blocked", WARNING, "Too many failed client authentications from an address, or by backends.", "client_id address seconds", SECURITY
    USER_BLOCKED = "user_blocked", WARNING, "Too many failed passwords of a user from one network.", "client_id address reason_code", SECURITY
    USER_BLOCKED_EVERYWHERE = "user_blocked_everywhere", WARNING, "Too many failed passwords of a user from all networks together.", "client_id address reason_code", SECURITY
    BACKCHANNEL_USER_CODE_BLOCKED = "backchannel_user_code_blocked", WARNING, "A client sent too many wrong user codes (CIBA) for a user.", "client_id subject", SECURITY
    ADDRESS_BLOCKED = "address_blocked", WARNING, "Too many failed passwords of any user from one network.", "client_id address reason_code", SECURITY
    USER_CODE_BLOCKED = "user_code_blocked", WARNING, "Too many wrong codes of devices of a user or browser, or from one network.", "address seconds", SECURITY
    USER_CODES_NEED_SIGN_IN = "user_codes_need_sign_in", WARNING, "Too many wrong codes of devices from all networks: only users who are signed in may enter one.", "address", SECURITY
    OPERATOR_BLOCKED = "operator_blocked", COUNTED, "Too many wrong operator tokens from a network.", "", SECURITY
    OPERATOR_REFUSED = "operator_refused", WARNING, "A wrong operator token, at the console or the admin API.", "address seconds"
    DECISION_API_BLOCKED = "decision_api_blocked", COUNTED, "Too many wrong credentials for the decision API from a network.", "", SECURITY
    DECISION_API_REFUSED = "decision_api_refused", WARNING, "Wrong credentials for the decision API.", "address blocked_for_seconds"
    REGISTRATION_LIMITED = "registration_limited", WARNING, "A registration was refused because of a limit on open registration.", "reason network", SECURITY
    CLIENT_DOCUMENTS_LIMITED = "client_documents_limited", WARNING, "No document of a client is fetched for an address that named too many unusable ones.", "address seconds", SECURITY
    PENDING_REQUESTS_LIMITED = "pending_requests_limited", INFO, "An authorization request was refused because too many wait for users.", "share_of network", SECURITY
    GRANT_OVER_LIMIT = "grant_over_limit", WARNING, "A user had more than grants_per_user_and_client; the grant that was not used for longest is ended.", "grant_id subject client_id most", SECURITY
    GRANT_OVER_LIMIT_NOT_ENDED = "grant_over_limit_not_ended", WARNING, "Such a grant could not be ended yet.", "grant_id subject client_id reason"
    SESSIONS_OVER_LIMIT = "sessions_over_limit", WARNING, "A user had more than sessions_per_user; the sessions that were not used for longest are ended.", "subject sids most grants_ended sessions_ended", SECURITY
    SESSIONS_OVER_LIMIT_NOT_ENDED = "sessions_over_limit_not_ended", WARNING, "Such sessions could not be ended yet.", "subject reason"

    # users and sessions
    SIGNED_IN = "signed_in", INFO, "A user signed in.", "subject sid"
    LOGIN_FAILED = "login_failed", INFO, "A wrong user name or password on the login page.", "address attempt reason_code"
    DIRECTORY_REFUSED = "directory_refused", ERROR, "The directory webhook answered 401 or 403, so it refused Mintmark: check directory_secret. It answers 404 to a wrong password.", "call status left_out"
    PASSWORD_HASH_NOT_RENEWED = "password_hash_not_renewed", INFO, "A password hash with outdated parameters could not be replaced.", "reason"
    SESSION_ENDED = "session_ended", INFO, "A browser session was ended with what was granted in it.", "subject sid grants_ended sessions_ended"
    SESSIONS_ENDED = "sessions_ended", INFO, "All sessions of a user were ended.", "subject grants_ended sessions_ended"
    SESSION_END_FINISHED = "session_end_finished", INFO, "An end of a session that was cut off was completed.", "subject sid grants_ended sessions_ended"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere", INFO, "Every session and grant of a user was ended.", "subject grants_ended sessions_ended"
    BACKCHANNEL_LOGOUT_FAILED = "backchannel_logout_failed", WARNING, "A logout token was not taken; it is delivered again later.", "client_id attempts reason"
    BACKCHANNEL_LOGOUT_GIVEN_UP = "backchannel_logout_given_up", ERROR, "A logout token was not taken after logout_attempts.", "client_id attempts reason"
    BACKCHANNEL_NOTIFICATION_FAILED = "backchannel_notification_failed", WARNING, "A client did not take that a CIBA request was decided, or its tokens; it is tried again later.", "client_id attempts reason"
    BACKCHANNEL_NOTIFICATION_GIVEN_UP = "backchannel_notification_given_up", ERROR, "A client did not take that a CIBA request was decided, or its tokens, while that counts.", "client_id attempts reason"
    DELIVERY_FAILED = "delivery_failed", ERROR, "An unforeseen error in a delivery; it is tried again later.", "queue client_id"
    DELIVERY_UNREADABLE = "delivery_unreadable", ERROR, "A queued delivery could not be read and was deleted.", "delivery queue"
    DELIVERY_QUEUE_UNAVAILABLE = "delivery_queue_unavailable", INFO, "A delivery queue cannot be read from Redis.", "queue reason failures for_seconds"
    DELIVERY_QUEUE_AVAILABLE = "delivery_queue_available", INFO, "A delivery queue can be read again.", "queue failures after_seconds"

    # operators
    OPERATOR_SIGNED_IN = "operator_signed_in", INFO, "An operator signed in at the console.", "operator address"
    OPERATOR_SIGNED_OUT = "operator_signed_out", INFO, "An operator signed out of the console.", "operator"
    AUDIT_OUTCOME_NOT_WRITTEN = "audit_outcome_not_written", ERROR, "The outcome of an act could not be written to the audit log.", "entry reason"
    REFUSALS_NOT_WRITTEN = "refusals_not_written", DEBUG, "Refused requests could not be written for operators to see.", "count why"
    CLIENT_CREATED = "client_created", INFO, "A client was created.", "client_id grant_types"
    CLIENT_REGISTERED = "client_registered", INFO, "A client registered itself.", "client_id left_out network"
    CLIENT_UPDATED = "client_updated", INFO, "A client was changed.", "client_id changed"
    CLIENT_APPROVED = "client_approved", INFO, "A client that registered itself was approved.", "client_id"
    CLIENT_APPROVAL_WITHDRAWN = "client_approval_withdrawn", INFO, "The approval of a client was withdrawn.", "client_id"
    CLIENT_SECRET_ROTATED = "client_secret_rotated", INFO, "A client got a new secret.", "client_id old_one_kept"
    CLIENT_OLD_SECRET_DELETED = "client_old_secret_deleted", INFO, "The old secret of a client was deleted.", "client_id"
    CLIENT_ENABLED = "client_enabled", INFO, "A client may get tokens again.", "client_id"
    CLIENT_DISABLED = "client_disabled", INFO, "A client may not get tokens any more.", "client_id"
    CLIENT_REVOKED = "client_revoked", INFO, "Everything that was issued to a client was ended.", "client_id"
    CLIENT_DELETED = "client_deleted", INFO, "A client was deleted with everything that was issued to it.", "client_id"
    SECRETS_RESEALED = "secrets_resealed", INFO, "Secrets of clients were sealed under the first master key.", "clients"
    INITIAL_ACCESS_TOKEN_CREATED = "initial_access_token_created", INFO, "An initial access token was created.", "uses lifetime"
    USER_CREATED = "user_created", INFO, "A user was created.", "username subject"
    USER_UPDATED = "user_updated", INFO, "A user was changed.", "username claims"
    USER_CODE_SET = "user_code_set", INFO, "A user got a user code, which clients must know to ask them without a browser.", "username"
    USER_CODE_REMOVED = "user_code_removed", INFO, "A user has no user code any more.", "username"
    USER_PASSWORD_SET = "user_password_set", INFO, "A user got a new password; sessions and grants are ended.", "username grants_ended sessions_ended"
    USER_ENABLED = "user_enabled", INFO, "A user may sign in again.", "username"
    USER_DISABLED = "user_disabled", INFO, "A user may not sign in any more; sessions and grants are ended.", "username grants_ended sessions_ended"
    USER_SIGNED_OUT = "user_signed_out", INFO, "An operator ended the sessions and grants of a user.", "username grants_ended sessions_ended"
    USER_DELETED = "user_deleted", INFO, "A user was deleted.", "username grants_ended sessions_ended"
    USER_REVOKED = "user_revoked", INFO, "The grants of a user were ended.", "subject client_id grants_ended"
    GRANT_REVOKED = "grant_revoked", INFO, "A grant was ended with everything that it issued.", "grant_id subject client_id reason"
    CODE_ISSUED = "code_issued", INFO, "An operator's program had a code made.", "client_id subject grant_id"
    TOKEN_CREATED = "token_created", INFO, "An operator had a token made.", "client_id subject grant_id"
    TOKEN_UPDATED = "token_updated", INFO, "An operator changed a token.", "grant_id changed"
    AUTHORIZATION_UPDATED = "authorization_updated", INFO, "What a user granted a client was changed.", "client_id subject grants"
    AUTHORIZATION_ENDED = "authorization_ended", INFO, "What a user granted a client was ended.", "client_id subject grants_ended"
    CONSENT_DELETED = "consent_deleted", INFO, "The remembered consent of a user to a client was deleted.", "client_id subject"
    EVERYTHING_ENDED = "everything_ended", INFO, "Everything that was issued was ended, or a part of it.", "grants sessions interactions decisions operator_sessions finished"
    RESOURCE_CREATED = "resource_created", INFO, "A resource was registered.", "resource self_registered"
    RESOURCE_UPDATED = "resource_updated", INFO, "A registered resource was changed.", "resource changed"
    RESOURCE_DELETED = "resource_deleted", INFO, "A registered resource was deleted.", "resource"
    RESOURCES_UNAVAILABLE = "resources_unavailable", INFO, "The registered resources cannot be read from Redis.", "reason failures for_seconds"
    RESOURCES_AVAILABLE = "resources_available", INFO, "The registered resources can be read again.", "failures after_seconds"
    TRUSTED_ISSUER_ADDED = "trusted_issuer_added", INFO, "A trusted issuer was added.", "trusted_issuer clients"
    TRUSTED_ISSUER_REMOVED = "trusted_issuer_removed", INFO, "A trusted issuer was removed.", "trusted_issuer"

    # signing keys
    SIGNING_KEYS_LOADED = "signing_keys_loaded", INFO, "The signing keys were read.", "keys new"
    SIGNING_KEYS_ROTATED = "signing_keys_rotated", WARNING, "An operator had the next signing keys made.", "keys at_once"
    SIGNING_KEY_RETIRED = "signing_key_retired", WARNING, "An operator took a signing key out of use.", "kid algorithm"
    SIGNING_KEYS_UNUSABLE = "signing_keys_unusable", ERROR, "The signing keys in Redis were sealed under another master key.", "reason"
    SIGNING_KEYS_UNAVAILABLE = "signing_keys_unavailable", INFO, "The signing keys cannot be read from Redis.", "reason failures for_seconds"
    SIGNING_KEYS_AVAILABLE = "signing_keys_available", INFO, "The signing keys can be read again.", "failures after_seconds"
    SIGNING_KEY_READABLE_BY_OTHERS = "signing_key_readable_by_others", WARNING, "Everybody on this machine can read a signing key.", "file"

    # hooks
    HOOK_FAILED = "hook_failed", WARNING, "A hook did not answer as it should.", "hook hook_event reason"
    HOOK_CIRCUIT_CHANGED = "hook_circuit_changed", ERROR, "A hook is left alone for a while after failures, or called again (level info).", "hook state"
    HOOK_CLAIMS_LEFT_OUT = "hook_claims_left_out", WARNING, "Claims of a hook were left out: they may not be set by one.", "hook names"
    HOOK_NOTIFICATIONS_LOST = "hook_notifications_lost", ERROR, "A hook was not notified because too many notifications wait.", "reason"
    HOOK_NOTIFICATION_DROPPED = "hook_notification_dropped", WARNING, "A notification was deleted because its hook is gone.", "hook reason"
    HOOK_NOTIFICATION_GIVEN_UP = "hook_notification_given_up", ERROR, "A notification was not taken after all attempts.", "hook hook_event id attempts"

    # the operator (Kubernetes)
    OBJECT_PUT_RIGHT = "object_put_right", INFO, "The operator made or changed something so that it is as an object declares it.", "kind namespace object reason text"
    OBJECT_UNFULFILLED = "object_unfulfilled", WARNING, "The operator cannot let the service have what an object declares; the object says why.", "kind namespace object reason text"
    OBJECT_ENDED = "object_ended", INFO, "An object was deleted, and what it had made ended.", "kind namespace object key"
    OBJECT_CANNOT_END = "object_cannot_end", WARNING, "What a deleted object had made cannot be ended now; it is tried again.", "kind namespace object reason"
    NAMESPACE_FORBIDDEN = "namespace_forbidden", ERROR, "The operator's account lacks rights in a namespace that it is to watch; it is tried again.", "namespace rights hint"
    NAMESPACE_ALLOWED = "namespace_allowed", INFO, "The operator's account has all its rights in a namespace where some were missing.", "namespace"
    API_SERVER_UNAVAILABLE = "api_server_unavailable", WARNING, "The operator cannot use the API server of the cluster; it waits, not ready.", "reason failures for_seconds"
    API_SERVER_AVAILABLE = "api_server_available", INFO, "The API server answers again.", "failures after_seconds"
    SERVICE_UNAVAILABLE = "service_unavailable", WARNING, "The operator cannot use the admin API of the service; it waits, not ready.", "reason failures for_seconds"
    SERVICE_AVAILABLE = "service_available", INFO, "The admin API answers again.", "failures after_seconds"
    OBJECT_STATUS_UNWRITTEN = "object_status_unwritten", WARNING, "The API server does not take the status of an object now.", "kind namespace object reason"

    # Redis
    REDIS_AWAITED = "redis_awaited", WARNING, "Redis cannot be reached at the start; the server waits for it, not ready.", "reason hint"
    REDIS_COMMAND_REFUSED = "redis_command_refused", ERROR, "Redis refuses commands of the service: login, rights or memory.", "reason failures for_seconds"
    REDIS_WRITES_REFUSED = "redis_writes_refused", WARNING, "Redis refuses writes; the process is not ready.", "reason hint failures for_seconds"
    REDIS_WRITES_ACCEPTED = "redis_writes_accepted", INFO, "Redis accepts writes again.", "failures after_seconds"
    REDIS_LISTENER_DISCONNECTED = "redis_listener_disconnected", WARNING, "Changes of clients by other processes are not heard; cached records are not used meanwhile.", "reason failures for_seconds"
    REDIS_LISTENER_RECONNECTED = "redis_listener_reconnected", INFO, "Changes by other processes are heard again.", "failures after_seconds"
    CLIENT_CHANGE_UNREADABLE = "client_change_unreadable", WARNING, "A message about changed clients could not be read; all are read again.", "bytes"
    REDIS_RIGHT_MISSING = "redis_right_missing", WARNING, "The Redis user lacks a right that is useful and not needed.", "server command hint"
    REDIS_REPLAY_UNKNOWN = "redis_replay_unknown", WARNING, "It is unknown whether a restart of Redis brings back what was revoked.", "server hint"
    REDIS_REPLAY_INCOMPLETE = "redis_replay_incomplete", WARNING, "A restart of Redis brings back what was revoked (redis_allow_lossy_replay).", "server hint"
    REDIS_POLICY_UNKNOWN = "redis_policy_unknown", WARNING, "It is unknown whether Redis may evict keys.", "server hint"
    REDIS_MAY_EVICT = "redis_may_evict", WARNING, "Redis may evict keys that still live.", "server policy hint"
    CLOCKS_DIFFER = "clocks_differ", WARNING, "The clocks of Redis and of this machine differ.", "server redis_is_ahead_by_seconds hint"
    TOO_FEW_REPLICAS = "too_few_replicas", WARNING, "Redis has fewer replicas than redis_wait_replicas.", "server in_touch wanted hint"
    USER_INDEX_DELAYED = "user_index_delayed", WARNING, "A grant is not in its user's index yet; it is written there as soon as Redis is back.", "grant_id reason"
    USER_INDEX_NOT_WRITTEN = "user_index_not_written", ERROR, "A grant could not be written into its user's index: revoking the user does not end it.", "grant_id"
    # fmt: on


SECURITY_EVENTS = tuple(event for event in Event if event.is_security)
