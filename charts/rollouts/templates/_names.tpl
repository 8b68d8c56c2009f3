{{- define "rollouts.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* A policy is an object of the whole cluster, and releases in two namespaces may have one name. */ -}}
{{- define "rollouts.clustername" -}}
{{- printf "%s.%s" (include "rollouts.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "rollouts.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rollouts.labels" -}}
{{ include "rollouts.selector" . }}
app.kubernetes.io/part-of: rollouts
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rollouts.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "rollouts.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name: must be set with serviceAccount.create false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rollouts.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "rollouts.account" . }}
{{- end -}}

{{- define "rollouts.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The newest served version of an admission policy kind; "" where there is none. Takes (dict "root" $ "kind" KIND). */ -}}
{{- define "rollouts.admission" -}}
{{- $versions := .root.Capabilities.APIVersions -}}
{{- if $versions.Has (printf "admissionregistration.k8s.io/v1/%s" .kind) -}}
admissionregistration.k8s.io/v1
{{- else if $versions.Has (printf "admissionregistration.k8s.io/v1beta1/%s" .kind) -}}
admissionregistration.k8s.io/v1beta1
{{- end -}}
{{- end -}}
