{{/* Names are cut at 40: the longest thing that is added ("-loadtest-worker") and what controllers add must fit into 63. */}}
{{- define "mintmark.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "mintmark.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "mintmark.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mintmark.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mintmark.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Arguments: the root, and the component: server, admin, clients, redis, loadtest-master, loadtest-worker. */}}
{{- define "mintmark.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "mintmark.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "mintmark.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{ include "mintmark.selector" . }}
{{- end -}}

{{- define "mintmark.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* What the "restricted" Pod Security Standard asks for. Argument: the numeric user. */}}
{{- define "mintmark.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "mintmark.securityContext" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Settings */}}

{{- define "mintmark.issuer" -}}
{{- if .Values.settings.issuer -}}
{{- .Values.settings.issuer -}}
{{- else if .Values.redis.bundled.enabled -}}
http://127.0.0.1:8080
{{- else -}}
{{- required "settings.issuer: set the URL that clients know this service by, such as https://tokens.example.com" .Values.settings.issuer -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.issuerHost" -}}
{{- $host := get (urlParse (include "mintmark.issuer" .)) "host" -}}
{{- regexReplaceAll ":[0-9]+$" $host "" | lower -}}
{{- end -}}

{{- define "mintmark.issuerIsLoopback" -}}
{{- if regexMatch "^http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]+)?(/|$)" (include "mintmark.issuer" .) -}}true{{- end -}}
{{- end -}}

{{/* Paths that the world may see, as JSON: all but /metrics, /livez and /readyz, below the path of the issuer; what ends with
/* is all below it. RFC 8414
section 3.1 puts the well-known part before that path. */}}
{{- define "mintmark.publicPaths" -}}
{{- $below := get (urlParse (include "mintmark.issuer" .)) "path" | trimSuffix "/" -}}
{{- $paths := list "/" "/authorize" "/login" "/consent" "/logout" "/applications" "/style.css" "/introspect" "/revoke" "/userinfo" "/jwks" "/par" "/register" "/.well-known/openid-configuration" -}}
{{- $paths = concat $paths (.Values.settings.token_paths | default (list "/token")) -}}
{{- if .Values.settings.grant_management }}{{ $paths = append $paths "/grants/*" }}{{ end -}}
{{- $found := list -}}
{{- range $paths -}}{{- $found = append $found (printf "%s%s" $below .) -}}{{- end -}}
{{- range list "/.well-known/oauth-authorization-server" "/.well-known/openid-configuration" -}}
{{- $found = append $found (printf "%s%s" . $below) -}}
{{- end -}}
{{- $found | uniq | toJson -}}
{{- end -}}

{{- define "mintmark.redisHosts" -}}
{{- if .Values.redis.bundled.enabled -}}
{{- printf "%s-redis" (include "mintmark.fullname" .) -}}
{{- else -}}
{{- join "," (required "redis.hosts: say where Redis is, or set redis.bundled.enabled to try the service out" .Values.redis.hosts) -}}
{{- end -}}
{{- end -}}

{{/* User and passwords are settings of their own: the URL holds none. */}}
{{- define "mintmark.redisUrl" -}}
{{- $redis := .Values.redis -}}
{{- $scheme := ternary "rediss" "redis" $redis.tls.enabled -}}
{{- $hosts := include "mintmark.redisHosts" . -}}
{{- if eq $redis.mode "sentinel" -}}
{{- $service := required "redis.sentinelService: say which name the Sentinels know the primary by" $redis.sentinelService -}}
{{- printf "%s+sentinel://%s/%s/%d" $scheme $hosts $service (int $redis.database) -}}
{{- else if eq $redis.mode "cluster" -}}
{{- printf "%s+cluster://%s" $scheme $hosts -}}
{{- else -}}
{{- printf "%s://%s/%d" $scheme $hosts (int $redis.database) -}}
{{- end -}}
{{- end -}}

{{/* The settings file, as YAML. */}}
{{- define "mintmark.settings" -}}
{{- $redis := .Values.redis -}}
{{- $all := deepCopy .Values.settings -}}
{{- $_ := set $all "issuer" (include "mintmark.issuer" .) -}}
{{- $_ := set $all "host" .Values.host -}}
{{- $_ := set $all "port" (int .Values.port) -}}
{{- $_ := set $all "admin_host" .Values.host -}}
{{- $_ := set $all "admin_port" (int .Values.adminPort) -}}
{{- $_ := set $all "redis_url" (include "mintmark.redisUrl" .) -}}
{{- if $redis.username }}{{ $_ := set $all "redis_username" $redis.username }}{{ end -}}
{{- if $redis.sentinelAuth.username }}{{ $_ := set $all "redis_sentinel_username" $redis.sentinelAuth.username }}{{ end -}}
{{- if and $redis.tls.enabled $redis.tls.existingSecret -}}
{{- if $redis.tls.caKey }}{{ $_ := set $all "redis_ca_file" "/run/mintmark/redis-tls/ca.crt" }}{{ end -}}
{{- if $redis.tls.certificateKey }}{{ $_ := set $all "redis_certificate_file" "/run/mintmark/redis-tls/tls.crt" }}{{ end -}}
{{- if $redis.tls.privateKeyKey }}{{ $_ := set $all "redis_key_file" "/run/mintmark/redis-tls/tls.key" }}{{ end -}}
{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $all "tls_certificate_file" "/run/mintmark/tls/tls.crt" -}}
{{- $_ := set $all "tls_key_file" "/run/mintmark/tls/tls.key" -}}
{{- if .Values.tls.mtlsPort }}{{ $_ := set $all "mtls_port" (int .Values.tls.mtlsPort) }}{{ end -}}
{{- end -}}
{{- if .Values.tls.clientAuthorities.existingSecret }}{{ $_ := set $all "client_ca_file" "/run/mintmark/client-authorities/ca.crt" }}{{ end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Whether clients are asked for a certificate at a port of its own. */}}
{{- define "mintmark.hasMtlsPort" -}}
{{- if and .Values.tls.mtlsPort (ne (int .Values.tls.mtlsPort) (int .Values.port)) -}}true{{- end -}}
{{- end -}}

{{/* What would start and then not work is refused before anything is installed. */}}
{{- define "mintmark.check" -}}
{{- $redis := .Values.redis -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- fail "autoscaling and keda exclude each other: both would set the number of pods" -}}
{{- end -}}
{{- if and $redis.bundled.enabled (or $redis.hosts $redis.username $redis.existingSecret $redis.tls.enabled (ne $redis.mode "standalone")) -}}
{{- fail "redis.bundled is one server without TLS and passwords: leave hosts, username, existingSecret, tls and mode as they are" -}}
{{- end -}}
{{- if and (eq $redis.mode "standalone") (gt (len $redis.hosts) 1) -}}
{{- fail "redis.hosts: several need redis.mode sentinel or cluster" -}}
{{- end -}}
{{- if and (eq $redis.mode "cluster") (ne (int $redis.database) 0) -}}
{{- fail "redis.database: a Cluster has no database number" -}}
{{- end -}}
{{- if and $redis.existingSecret (hasKey .Values.secrets.values "redis_password") -}}
{{- fail "redis_password: say it once, in redis.existingSecret or in secrets.values" -}}
{{- end -}}
{{- if and $redis.sentinelAuth.existingSecret (hasKey .Values.secrets.values "redis_sentinel_password") -}}
{{- fail "redis_sentinel_password: say it once, in redis.sentinelAuth.existingSecret or in secrets.values" -}}
{{- end -}}
{{- if eq (int .Values.port) (int .Values.adminPort) -}}
{{- fail "adminPort: must be another one than port" -}}
{{- end -}}
{{- if eq (int .Values.tls.mtlsPort) (int .Values.adminPort) -}}
{{- fail "tls.mtlsPort: must be another one than adminPort" -}}
{{- end -}}
{{- if and .Values.tls.mtlsPort (not .Values.tls.existingSecret) -}}
{{- fail "tls.mtlsPort: needs tls.existingSecret, for client certificates are a part of TLS" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.serviceMonitor.enabled (not .Values.networkPolicy.adminFrom) -}}
{{- fail "networkPolicy.adminFrom: let Prometheus in; else serviceMonitor reads nothing" -}}
{{- end -}}
{{- $https := ternary .Values.settings.require_https true (hasKey .Values.settings "require_https") -}}
{{- if and $https (not .Values.settings.trusted_proxies) (not .Values.tls.existingSecret) (not (include "mintmark.issuerIsLoopback" .)) -}}
{{- fail "settings.trusted_proxies: name the networks of what ends TLS (such as [10.0.0.0/8]), or set tls.existingSecret; without either every request would be refused as plain HTTP" -}}
{{- end -}}
{{- range $name := list "autoscaling" "keda" -}}
{{- $scaler := get $.Values $name -}}
{{- if and $scaler.enabled (gt (int $scaler.minReplicas) (int $scaler.maxReplicas)) -}}
{{- fail (printf "%s.minReplicas must not be more than maxReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (include "mintmark.issuerIsLoopback" .) -}}
{{- fail "settings.issuer: an Ingress or HTTPRoute is for the issuer's host, and nobody finds a loopback address" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name the Gateway" -}}
{{- end -}}
{{- if and .Values.loadtest.enabled (not .Values.loadtest.clientSecret.name) -}}
{{- fail "loadtest.clientSecret.name: name the Secret with the client that asks" -}}
{{- end -}}
{{- end -}}

{{/* Pods */}}

{{/* Whether there is any secret setting. */}}
{{- define "mintmark.hasSecrets" -}}
{{- if or .Values.secrets.existingSecret .Values.secrets.values .Values.redis.existingSecret .Values.redis.sentinelAuth.existingSecret -}}true{{- end -}}
{{- end -}}

{{- define "mintmark.environment" -}}
- name: MINTMARK_CONFIG
  value: /etc/mintmark/mintmark.yaml
{{- if include "mintmark.hasSecrets" . }}
- name: MINTMARK_SECRETS_DIR
  value: /run/mintmark/secrets
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
- name: tmp
  mountPath: /tmp
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
# Several workers sum their metrics in files there.
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where pods may be. */}}
{{- define "mintmark.scheduling" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Whether the admin port has a Service. */}}
{{- define "mintmark.hasAdminService" -}}
{{- if or .Values.adminService.enabled .Values.serviceMonitor.enabled -}}true{{- end -}}
{{- end -}}

{{/* Selects our series in Prometheus. */}}
{{- define "mintmark.series" -}}
namespace="{{ .Release.Namespace }}",job="{{ include "mintmark.fullname" . }}"
{{- end -}}
