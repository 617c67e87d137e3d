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
{{- $name := include "mintmark.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "fullnameOverride: %q is no name for a Service, which must begin with a letter and have no dots; set a name that does" $name) -}}
{{- end -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (regexMatch "^([0-9.]+|\\[.*\\])$" (include "mintmark.issuerHost" .)) -}}
{{- fail "settings.issuer: an Ingress or HTTPRoute is for the issuer's host, which must be a name there and no IP address" -}}
{{- end -}}
{{- if and (or .Values.adminIngress.enabled .Values.adminHttpRoute.enabled) (not .Values.settings.admin_certificate_file) (not .Values.settings.trusted_proxies) -}}
{{- fail "adminIngress, adminHttpRoute: set settings.trusted_proxies to the networks of what ends TLS; from other machines the admin API refuses plain HTTP" -}}
{{- end -}}
{{- range $name := list "adminIngress" "adminHttpRoute" -}}
{{- $way := get $.Values $name -}}
{{- if and $way.enabled (not $way.host) -}}
{{- fail (printf "%s.host: say which host operators come by; it must not be the issuer's" $name) -}}
{{- end -}}
{{- if and $way.enabled (eq $way.host (include "mintmark.issuerHost" $)) -}}
{{- fail (printf "%s.host: must be another host than the issuer's, which is for the world" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.adminHttpRoute.enabled (not .Values.adminHttpRoute.parentRefs) -}}
{{- fail "adminHttpRoute.parentRefs: name the Gateway" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.settings.admin_certificate_file (not .Values.serviceMonitor.tlsConfig) -}}
{{- fail "serviceMonitor.tlsConfig: say how Prometheus verifies settings.admin_certificate_file, such as {ca: {secret: {name: admin-tls, key: ca.crt}}, serverName: mintmark-admin}" -}}
{{- end -}}
{{- $taken := list "settings" "secrets" "redis-tls" "tls" "client-authorities" -}}
{{- range .Values.extraVolumes -}}
{{- if or (has .name $taken) (regexMatch "^client-[0-9]+$" (toString .name)) -}}
{{- fail (printf "extraVolumes: the chart has a volume called %s itself; choose another name" .name) -}}
{{- end -}}
{{- $taken = append $taken .name -}}
{{- end -}}
{{- include "mintmark.checkTogether" . -}}
{{- include "mintmark.checkResources" (list "resources" .Values.resources) -}}
{{- include "mintmark.checkOperator" . -}}
{{- include "mintmark.checkResources" (list "operator.resources" .Values.operator.resources) -}}
{{- include "mintmark.checkResources" (list "clients.resources" .Values.clients.resources) -}}
{{- include "mintmark.checkResources" (list "redis.bundled.resources" $redis.bundled.resources) -}}
{{- include "mintmark.checkResources" (list "loadtest.resources" .Values.loadtest.resources) -}}
{{- if .Release.IsUpgrade }}{{ include "mintmark.checkUpgrade" . }}{{ end -}}
{{- end -}}

{{/* A quantity of Kubernetes as a number of whole units. */}}
{{- define "mintmark.quantity" -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $unit := regexFind "[A-Za-z]*$" (toString .) -}}
{{- mulf (float64 (trimSuffix $unit (toString .))) (get $units $unit) -}}
{{- end -}}

{{/* Arguments: where the resources stand in the values, and they. */}}
{{- define "mintmark.checkResources" -}}
{{- $path := index . 0 -}}{{- $resources := index . 1 -}}
{{- range $what, $least := $resources.requests -}}
{{- $most := get ($resources.limits | default dict) $what -}}
{{- if and $most (gt (float64 (include "mintmark.quantity" $least)) (float64 (include "mintmark.quantity" $most))) -}}
{{- fail (printf "%s: requests.%s (%v) must not be more than limits.%s (%v)" $path $what $least $what $most) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What would be refused half-way, or made anew beside what is there, since it cannot be changed in place. */}}
{{- define "mintmark.checkUpgrade" -}}
{{- $name := include "mintmark.fullname" . -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $release := get (.metadata.annotations | default dict) "meta.helm.sh/release-name" -}}
{{- if and (eq (toString $release) $.Release.Name) (hasPrefix (printf "%s-" $.Chart.Name) (toString (get $labels "helm.sh/chart"))) (eq (toString (get $labels "app.kubernetes.io/component")) "server") -}}
{{- if ne .metadata.name $name -}}
{{- fail (printf "fullnameOverride: this release is called %s in the cluster, and with these values everything would be made anew as %s. Set fullnameOverride=%s to keep it, or uninstall it first" .metadata.name $name .metadata.name) -}}
{{- end -}}
{{- if ne (toString (get .spec.selector.matchLabels "app.kubernetes.io/name")) (include "mintmark.name" $) -}}
{{- fail (printf "nameOverride: the pods of %s are selected by the name %s, and that cannot be changed in place. Set nameOverride=%s to keep it, or uninstall it first" .metadata.name (get .spec.selector.matchLabels "app.kubernetes.io/name") (get .spec.selector.matchLabels "app.kubernetes.io/name")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $stateful := lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-redis" $name) -}}
{{- if and $stateful .Values.redis.bundled.enabled -}}
{{- $persistent := not (empty (dig "spec" "volumeClaimTemplates" list $stateful)) -}}
{{- if ne $persistent .Values.redis.bundled.persistence.enabled -}}
{{- fail (printf "redis.bundled.persistence.enabled: cannot be switched in place. What the bundled Redis holds is lost by it: `kubectl --namespace %s delete statefulset %s-redis`, then upgrade again" .Release.Namespace $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
