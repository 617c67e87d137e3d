{{/* What the service is told: its settings file, and what follows from the issuer. */}}

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
{{- $paths := list "/" "/authorize" "/login" "/consent" "/logout" "/applications" "/style.css" "/introspect" "/revoke" "/userinfo" "/jwks" "/par" "/register" "/device" "/device_authorization" "/backchannel_authentication" "/approvals" "/.well-known/openid-configuration" -}}
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

{{/* Whether the admin port has a Service. */}}
{{- define "mintmark.hasAdminService" -}}
{{- if or .Values.adminService.enabled .Values.serviceMonitor.enabled .Values.adminIngress.enabled .Values.adminHttpRoute.enabled (and .Values.operator.enabled (not .Values.operator.adminUrl)) -}}true{{- end -}}
{{- end -}}

{{/* How the admin port is spoken to: settings.admin_certificate_file makes it TLS. */}}
{{- define "mintmark.adminScheme" -}}
{{- ternary "https" "http" (not (not .Values.settings.admin_certificate_file)) -}}
{{- end -}}

{{/* Where pods of the chart ask the service: by its own name, as clients do, or at the Service where that is a loopback address. */}}
{{- define "mintmark.insideUrl" -}}
{{- if include "mintmark.issuerIsLoopback" . -}}
{{- printf "http://%s:%d" (include "mintmark.fullname" .) (int .Values.service.port) -}}
{{- else -}}
{{- include "mintmark.issuer" . -}}
{{- end -}}
{{- end -}}
