{{- /* What a binding matches: the namespaces asked for; of a namespaced controller its own. Takes (dict "root" $ "policy" POLICY). */ -}}
{{- define "rollouts.matched" -}}
{{- $selector := deepCopy .policy.namespaceSelector -}}
{{- if .root.Values.namespaced -}}
{{- $own := dict "matchLabels" (dict "kubernetes.io/metadata.name" .root.Release.Namespace) -}}
{{- $selector = mergeOverwrite $selector $own -}}
{{- end -}}
namespaceSelector:
  {{- toYaml $selector | nindent 2 }}
{{- end -}}

{{- /* Not the controller, nor who is spared by the values. */ -}}
{{- define "rollouts.guarded" -}}
- name: not-the-controller
  expression: {{ printf "!(request.userInfo.username in %s)" (prepend .Values.policies.exemptUsers (include "rollouts.user" .) | toJson) | quote }}
{{- end -}}
