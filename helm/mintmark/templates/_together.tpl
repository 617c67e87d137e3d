{{/* Values that contradict each other, or that have no effect without another one. */}}

{{- define "mintmark.checkTogether" -}}
{{- include "mintmark.checkIssuer" . -}}
{{- include "mintmark.checkSecrets" . -}}
{{- include "mintmark.checkRedisTogether" .Values.redis -}}
{{- include "mintmark.checkService" . -}}
{{- include "mintmark.checkScaling" . -}}
{{- range $name := list "adminIngress" "adminHttpRoute" -}}
{{- if and (get $.Values $name).enabled $.Values.networkPolicy.enabled (not $.Values.networkPolicy.adminFrom) -}}
{{- fail (printf "networkPolicy.adminFrom: let in what %s sends operators through; else nobody reaches the admin port" $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.dnsPolicy "None") (not (.Values.dnsConfig | default dict).nameservers) -}}
{{- fail "dnsConfig.nameservers: dnsPolicy None has no name servers of its own" -}}
{{- end -}}
{{- $load := .Values.loadtest -}}
{{- if and $load.enabled (not (and $load.adminToken.name $load.adminUrl)) -}}
{{- range $load.users -}}
{{- if has . (list "AuthorizationCode" "Refresh" "Mixed") -}}
{{- fail (printf "loadtest.users: %s needs codes: say adminUrl and adminToken.name" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ids := list -}}
{{- range .Values.clients.create -}}
{{- if has .id $ids -}}
{{- fail (printf "clients.create: the client %s is there twice" .id) -}}
{{- end -}}
{{- $ids = append $ids .id -}}
{{- end -}}
{{- $taken := list "MINTMARK_CONFIG" "MINTMARK_SECRETS_DIR" "MINTMARK_REQUIRED" "MINTMARK_HOST" "MINTMARK_PORT" "MINTMARK_ADMIN_HOST" "MINTMARK_ADMIN_PORT" "MINTMARK_DRAIN_DELAY" "MINTMARK_DRAIN_SECONDS" -}}
{{- range .Values.extraEnv -}}
{{- if has (upper (toString .name)) $taken -}}
{{- fail (printf "extraEnv: %s is what the chart says by a value of its own, which ports, probes and volumes follow" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.checkIssuer" -}}
{{- $issuer := include "mintmark.issuer" . -}}
{{- if not (regexMatch "^(?i:https?)://[^/?#@ ]+(/[^?# ]*)?$" $issuer) -}}
{{- fail (printf "settings.issuer: %q must be a URL such as https://tokens.example.com, without query and fragment" $issuer) -}}
{{- end -}}
{{- $https := ternary .Values.settings.require_https true (hasKey .Values.settings "require_https") -}}
{{- if and $https (hasPrefix "http://" (lower $issuer)) (not (include "mintmark.issuerIsLoopback" .)) -}}
{{- fail "settings.issuer: must be https, unless settings.require_https is false" -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.checkSecrets" -}}
{{- $redis := .Values.redis -}}
{{- $places := dict "redis_password" (dict "redis.existingSecret" $redis.existingSecret) "redis_sentinel_password" (dict "redis.sentinelAuth.existingSecret" $redis.sentinelAuth.existingSecret) -}}
{{- range $name := list "values" "from" -}}
{{- range $setting, $_ := get $.Values.secrets $name | default dict -}}
{{- range $place, $secret := get $places $setting | default dict -}}
{{- if $secret }}{{ fail (printf "%s: say it once, in %s or in secrets.%s" $setting $place $name) }}{{ end -}}
{{- end -}}
{{- if hasKey $.Values.settings $setting -}}
{{- fail (printf "%s: say it once, in settings or in secrets.%s" $setting $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $setting, $_ := .Values.secrets.from -}}
{{- if hasKey ($.Values.secrets.values | default dict) $setting -}}
{{- fail (printf "%s: say it once, in secrets.from or in secrets.values" $setting) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Argument: redis of the values. */}}
{{- define "mintmark.checkRedisTogether" -}}
{{- if and (or .sentinelService .sentinelAuth.username .sentinelAuth.existingSecret) (ne .mode "sentinel") -}}
{{- fail "redis.sentinelService, redis.sentinelAuth: need redis.mode sentinel" -}}
{{- end -}}
{{- if and (not .tls.enabled) (or .tls.existingSecret .tls.certificateKey .tls.privateKeyKey) -}}
{{- fail "redis.tls.enabled: the certificates of redis.tls are for TLS, and without it the connection is in clear" -}}
{{- end -}}
{{- if and .tls.privateKeyKey (not .tls.certificateKey) -}}
{{- fail "redis.tls.privateKeyKey: needs redis.tls.certificateKey" -}}
{{- end -}}
{{- if and .tls.certificateKey (not .tls.existingSecret) -}}
{{- fail "redis.tls.existingSecret: name the Secret that has certificateKey and privateKeyKey" -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.checkService" -}}
{{- $service := .Values.service -}}
{{- if and (include "mintmark.hasMtlsPort" .) (eq (int $service.port) (int .Values.tls.mtlsPort)) -}}
{{- fail "service.port: must be another one than tls.mtlsPort, which the Service has as well" -}}
{{- end -}}
{{- if eq $service.type "ClusterIP" -}}
{{- range $name := list "nodePort" "externalTrafficPolicy" -}}
{{- if get $service $name }}{{ fail (printf "service.%s: needs service.type NodePort or LoadBalancer" $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if ne $service.type "LoadBalancer" -}}
{{- range $name := list "loadBalancerClass" "loadBalancerSourceRanges" -}}
{{- if get $service $name }}{{ fail (printf "service.%s: needs service.type LoadBalancer" $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.checkScaling" -}}
{{- $rolling := .Values.strategy.rollingUpdate | default dict -}}
{{- if and (eq .Values.strategy.type "RollingUpdate") (regexMatch "^0+%?$" (toString $rolling.maxSurge)) (regexMatch "^0+%?$" (toString $rolling.maxUnavailable)) -}}
{{- fail "strategy.rollingUpdate: maxSurge and maxUnavailable must not both be 0: no pod could be replaced" -}}
{{- end -}}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- $containers := prepend (.Values.sidecars | default list) (dict "name" "the service" "resources" .Values.resources) -}}
{{- range $containers -}}
{{- $resources := .resources | default dict -}}
{{- if not (or ($resources.requests | default dict).cpu ($resources.limits | default dict).cpu) -}}
{{- fail (printf "autoscaling, keda: %s requests no cpu (resources.requests.cpu), of which percents are counted; pods would never be scaled" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
