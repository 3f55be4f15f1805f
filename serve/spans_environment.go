package serve

import (
	"fmt"
	"net/url"
	"strings"
)

// otelVariables returns the setting otel that the standard variables of OpenTelemetry give.
// A file and the variables with AIMDB_ come before them.
func (s *Settings) otelVariables() *node {
	all := map[string]string{}
	for _, entry := range s.sources.Environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "OTEL_") {
			all[name] = value
		}
	}
	first := func(names ...string) (string, string) {
		for _, name := range names {
			if all[name] != "" {
				return name, all[name]
			}
		}
		return "", ""
	}
	given := &node{kind: group}
	by, endpoint := first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" || strings.EqualFold(all["OTEL_SDK_DISABLED"], "true") || all["OTEL_TRACES_EXPORTER"] == "none" {
		return given
	}
	if name, protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		s.Warnings = append(s.Warnings, fmt.Sprintf("no spans are sent: %s is %s, and only http/protobuf is spoken; set it so, with the endpoint of HTTP", name, protocol))
		return given
	}
	if by == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		endpoint = strings.TrimSuffix(endpoint, "/") + "/v1/traces"
	}
	given.merge(nest([]string{"otel", "endpoint"}, &node{at: place{source: by}, kind: text, text: endpoint}))
	by, headers := first("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
	for pair := range strings.SplitSeq(headers, ",") {
		name, value, _ := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s: the value of %s has a %% that is not followed by two hexadecimal digits; the header is not sent", by, name))
			continue
		}
		given.merge(nest([]string{"otel", "headers", name}, &node{at: place{source: by}, kind: text, text: value}))
	}
	return given
}
