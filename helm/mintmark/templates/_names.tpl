{{/* Names, labels and annotations of objects. */}}

{{/* Names are cut at 40: the longest thing that is added ("-loadtest-worker") and what controllers add must fit into 63. What is cut
keeps apart from its neighbours by a hash of the whole. */}}
{{- define "mintmark.cut" -}}
{{- if gt (len .) 40 -}}
{{- printf "%s-%s" (. | trunc 31 | trimSuffix "-") (. | sha256sum | trunc 8) -}}
{{- else -}}
{{- trimSuffix "-" . -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.name" -}}
{{- include "mintmark.cut" (default .Chart.Name .Values.nameOverride) -}}
{{- end -}}

{{/* A release that is called like something that another release makes (mintmark-admin is the admin Service of mintmark) gets the
chart's name behind its own. */}}
{{- define "mintmark.fullname" -}}
{{- $short := and (contains (include "mintmark.name" .) .Release.Name) (not (regexMatch "-(admin|clients|dashboard|loadtest|operator|redis|test)$" .Release.Name)) -}}
{{- if .Values.fullnameOverride -}}
{{- include "mintmark.cut" .Values.fullnameOverride -}}
{{- else if $short -}}
{{- include "mintmark.cut" .Release.Name -}}
{{- else -}}
{{- include "mintmark.cut" (printf "%s-%s" .Release.Name (include "mintmark.name" .)) -}}
{{- end -}}
{{- end -}}

{{- define "mintmark.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mintmark.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Arguments: the root, and the component: server, admin, clients, operator, test, redis, loadtest-master, loadtest-worker. */}}
{{- define "mintmark.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "mintmark.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Members of metadata but for the namespace. Arguments: root, component, name; and labels, annotations of the object. */}}
{{- define "mintmark.metadata" -}}
{{- $root := .root -}}
{{- $ours := include "mintmark.selector" (list $root .component) | fromYaml -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $ours "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" $root.Release.Service -}}
name: {{ .name }}
labels:
  {{- merge $ours (.labels | default dict) ($root.Values.commonLabels | default dict) | toYaml | nindent 2 }}
{{- with merge dict (.annotations | default dict) ($root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Labels of pods: those that they are selected by, and nothing that changes from release to release, which would start them
anew. Arguments: root, component; and labels. */}}
{{- define "mintmark.podLabels" -}}
{{- merge (include "mintmark.selector" (list .root .component) | fromYaml) (.labels | default dict) (.root.Values.commonLabels | default dict) | toYaml -}}
{{- end -}}

{{/* Selects our series in Prometheus. */}}
{{- define "mintmark.series" -}}
namespace="{{ .Release.Namespace }}",job="{{ include "mintmark.fullname" . }}"
{{- end -}}

{{/* Selects those of the operator. */}}
{{- define "mintmark.operatorSeries" -}}
namespace="{{ .Release.Namespace }}",job="{{ include "mintmark.fullname" . }}-operator"
{{- end -}}
