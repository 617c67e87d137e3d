{{/* The operator: who it is, what it may do, where it asks. */}}

{{- define "mintmark.operatorAccount" -}}
{{- $account := .Values.operator.serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-operator" (include "mintmark.fullname" .)) $account.name -}}
{{- else -}}
{{- $account.name -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.operatorUrl" -}}
{{- $own := printf "%s://%s-admin.%s.svc:%d" (include "mintmark.adminScheme" .) (include "mintmark.fullname" .) .Release.Namespace (int .Values.adminService.port) -}}
{{- .Values.operator.adminUrl | default $own | trimSuffix "/" -}}
{{- end -}}

{{/* In each namespace that it watches. Objects are patched for their finalizers; Secrets are read and written by their names, and never
listed. */}}
{{- define "mintmark.operatorRules" -}}
- apiGroups: [mintmark.dev]
  resources: [oauth2clients, oauth2resources, trustedissuers]
  verbs: [get, list, watch, patch]
- apiGroups: [mintmark.dev]
  resources: [oauth2clients/status, oauth2resources/status, trustedissuers/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* What is wrong with the operator, or with objects, and what to do about it. */}}
{{- define "mintmark.operatorAlerts" -}}
{{- $series := include "mintmark.operatorSeries" . -}}
- name: {{ include "mintmark.fullname" . }}-operator
  rules:
    - alert: MintmarkOperatorDown
      expr: absent(up{ {{- $series -}} } == 1)
      for: 5m
      labels:
        severity: warning
      annotations:
        summary: No pod of the operator answers Prometheus; objects that change are not looked at.
        runbook: >-
          Clients go on to work. kubectl get pods, then kubectl logs --previous of one that restarts: exit code 4 names a faulty option. If pods
          run, the PodMonitor lost them (operator.podMonitor), or a NetworkPolicy keeps Prometheus out (networkPolicy.adminFrom).
    - alert: MintmarkOperatorNotReady
      expr: max by (dependency) (mintmark_operator_dependency_available{ {{- $series -}} }) == 0
      for: 5m
      labels:
        severity: warning
      annotations:
        summary: The operator cannot do its work, for something that it needs (label dependency) is missing.
        runbook: >-
          api_server, service: its log says why they do not answer (api_server_unavailable, service_unavailable), the token of operator.adminToken, the
          certificate, a NetworkPolicy. rights: namespace_forbidden names what its account lacks; helm upgrade gives it back. It goes on by itself.
    - alert: MintmarkOperatorForbidden
      expr: max(mintmark_operator_namespaces{ {{- $series -}} ,state="forbidden"}) > 0
      for: 15m
      labels:
        severity: warning
      annotations:
        summary: In some namespaces that the operator is to watch its account lacks rights; their objects are not looked at, or not wholly.
        runbook: >-
          namespace_forbidden in its log names namespace and rights. A namespace that is gone goes out of operator.namespaces; for one that was made
          anew, helm upgrade makes Role and RoleBinding again. The others are looked at as ever.
    - alert: MintmarkObjectsNotReady
      expr: max by (kind) (mintmark_operator_not_ready_seconds{ {{- $series -}} }) > 900
      labels:
        severity: warning
      annotations:
        summary: Objects (label kind) have not been Ready for a quarter of an hour.
        runbook: >-
          kubectl get mintmark --all-namespaces shows which, and why in the column REASON; kubectl describe has the sentence.
          docs/how-to/kubernetes-objects.md says of each reason what to do. CannotEnd: a deleted object waits for the service.
    - alert: MintmarkObjectsWait
      expr: min_over_time(mintmark_operator_reconciliations_queued{ {{- $series -}} }[15m]) > 0
      labels:
        severity: warning
      annotations:
        summary: Objects have waited for the operator to look at them, without a break, for a quarter of an hour.
        runbook: >-
          The service or the API server is slow: compare the panels "Reconciliation duration, p99" and "Requests of the operator". After thousands of
          new objects it is the rule for some minutes. operator.resyncSeconds too low for so many objects keeps the queue full for ever.
{{- end -}}

{{- define "mintmark.checkOperator" -}}
{{- $operator := .Values.operator -}}
{{- if and $operator.enabled (not $operator.adminToken.name) -}}
{{- fail "operator.adminToken.name: name the Secret that holds the operator's own token, one of admin_tokens (`mintmark admin-token`)" -}}
{{- end -}}
{{- if and $operator.enabled (not (hasPrefix "https://" (include "mintmark.operatorUrl" .))) -}}
{{- fail "operator: its token goes over TLS only. Set settings.admin_certificate_file and admin_key_file, for the name of the admin Service, and operator.adminCa; or operator.adminUrl" -}}
{{- end -}}
{{- if and $operator.enabled (not $operator.serviceAccount.create) (not $operator.serviceAccount.name) -}}
{{- fail "operator.serviceAccount.name: say which account it has, or let one be made (create): any pod of the namespace may use the account `default`, which would read Secrets then" -}}
{{- end -}}
{{- if and $operator.enabled $operator.podMonitor.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.adminFrom) -}}
{{- fail "networkPolicy.adminFrom: let Prometheus in; else operator.podMonitor reads nothing" -}}
{{- end -}}
{{- if and $operator.enabled $operator.namespaces $operator.allNamespaces -}}
{{- fail "operator: say which namespaces, or all of them (allNamespaces)" -}}
{{- end -}}
{{- if and $operator.enabled $operator.namespaceLabels (not $operator.allNamespaces) -}}
{{- fail "operator.namespaceLabels: needs operator.allNamespaces, for namespaces that get the labels later" -}}
{{- end -}}
{{- end -}}
