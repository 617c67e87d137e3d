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
{{- if and $operator.enabled $operator.namespaces $operator.allNamespaces -}}
{{- fail "operator: say which namespaces, or all of them (allNamespaces)" -}}
{{- end -}}
{{- if and $operator.enabled $operator.namespaceLabels (not $operator.allNamespaces) -}}
{{- fail "operator.namespaceLabels: needs operator.allNamespaces, for namespaces that get the labels later" -}}
{{- end -}}
{{- end -}}
