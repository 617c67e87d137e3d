{{/* Pods: who they are, where they run, what they get. */}}

{{/* Arguments: the root; registry, repository, tag and digest of an image. */}}
{{- define "mintmark.imageOf" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $registry := (($root.Values.global).imageRegistry) | default $image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (not (empty $registry)) -}}
{{- printf "%s:%s" $name ($image.tag | default $root.Chart.AppVersion) -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "mintmark.image" -}}
{{- include "mintmark.imageOf" (list . .Values.image) -}}
{{- end -}}

{{/* What all pods of the chart have in common. Arguments: root, user (the numeric one of the image);
account: the one that it speaks to the cluster by, if it does. It satisfies the "restricted" Pod
Security Standard; with openshift the cluster chooses user and groups out of the namespace's own range. */}}
{{- define "mintmark.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ .account | default (include "mintmark.serviceAccountName" .root) }}
automountServiceAccountToken: {{ if or .account (and .mayMountToken $values.serviceAccount.automountToken) }}true{{ else }}false{{ end }}
enableServiceLinks: false
{{- with concat ($values.imagePullSecrets | default list) ((($values.global).imagePullSecrets) | default list) | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $context := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- if not $values.openshift -}}
{{- $_ := merge $context (dict "runAsUser" .user "runAsGroup" .user "fsGroup" .user "fsGroupChangePolicy" "OnRootMismatch") -}}
{{- end }}
securityContext:
  {{- include "mintmark.overridden" (list $context $values.podSecurityContext) | nindent 2 }}
{{- end -}}

{{- define "mintmark.securityContext" -}}
{{- $capabilities := dict "drop" (list "ALL") -}}
{{- $context := dict "runAsNonRoot" true "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" $capabilities "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- include "mintmark.overridden" (list $context .Values.securityContext) -}}
{{- end -}}

{{/* Members of ours as YAML, with those of the values in their place; null takes one away. */}}
{{- define "mintmark.overridden" -}}
{{- $all := mergeOverwrite (deepCopy (index . 0)) (index . 1) -}}
{{- range $name, $value := $all }}{{ if kindIs "invalid" $value }}{{ $_ := unset $all $name }}{{ end }}{{ end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Whether there is any secret setting. */}}
{{- define "mintmark.hasSecrets" -}}
{{- if or .Values.secrets.existingSecret .Values.secrets.from .Values.secrets.values .Values.redis.existingSecret .Values.redis.sentinelAuth.existingSecret -}}true{{- end -}}
{{- end -}}

{{- define "mintmark.environment" -}}
- name: MINTMARK_CONFIG
  value: /etc/mintmark/mintmark.yaml
{{- if include "mintmark.hasSecrets" . }}
- name: MINTMARK_SECRETS_DIR
  value: /run/mintmark/secrets
{{- end }}
{{- if and .Values.secrets.existingSecret .Values.secrets.required }}
- name: MINTMARK_REQUIRED
  value: {{ join "," .Values.secrets.required }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mintmark.volumeMounts" -}}
- name: settings
  mountPath: /etc/mintmark
  readOnly: true
{{- if include "mintmark.hasSecrets" . }}
- name: secrets
  mountPath: /run/mintmark/secrets
  readOnly: true
{{- end }}
{{- if and .Values.redis.tls.enabled .Values.redis.tls.existingSecret }}
- name: redis-tls
  mountPath: /run/mintmark/redis-tls
  readOnly: true
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: tls
  mountPath: /run/mintmark/tls
  readOnly: true
{{- end }}
{{- if .Values.tls.clientAuthorities.existingSecret }}
- name: client-authorities
  mountPath: /run/mintmark/client-authorities
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mintmark.volumes" -}}
- name: settings
  configMap:
    name: {{ include "mintmark.fullname" . }}
{{- if include "mintmark.hasSecrets" . }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- with .Values.secrets.existingSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
      {{- if .Values.secrets.values }}
      - secret:
          name: {{ include "mintmark.fullname" . }}
      {{- end }}
      {{- range $setting, $from := .Values.secrets.from }}
      - secret:
          name: {{ $from.name }}
          items:
            - key: {{ $from.key }}
              path: {{ $setting }}
      {{- end }}
      {{- with .Values.redis }}
      {{- if .existingSecret }}
      - secret:
          name: {{ .existingSecret }}
          items:
            - key: {{ .passwordKey }}
              path: redis_password
      {{- end }}
      {{- if .sentinelAuth.existingSecret }}
      - secret:
          name: {{ .sentinelAuth.existingSecret }}
          items:
            - key: {{ .sentinelAuth.passwordKey }}
              path: redis_sentinel_password
      {{- end }}
      {{- end }}
{{- end }}
{{- with .Values.redis.tls }}
{{- if and .enabled .existingSecret }}
- name: redis-tls
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      {{- with .caKey }}
      - key: {{ . }}
        path: ca.crt
      {{- end }}
      {{- with .certificateKey }}
      - key: {{ . }}
        path: tls.crt
      {{- end }}
      {{- with .privateKeyKey }}
      - key: {{ . }}
        path: tls.key
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.tls }}
{{- if .existingSecret }}
- name: tls
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .certificateKey }}
        path: tls.crt
      - key: {{ .privateKeyKey }}
        path: tls.key
{{- end }}
{{- if .clientAuthorities.existingSecret }}
- name: client-authorities
  secret:
    secretName: {{ .clientAuthorities.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .clientAuthorities.key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
