// Package api serves the HTTP API of Prometheus, as far as it reads: query, query_range,
// series, labels, label/NAME/values, metadata, query_exemplars (always empty), format_query
// and status/buildinfo below /api/v1, and /federate, /-/healthy and /-/ready. The engine of
// Prometheus evaluates the queries. Parameters, answers and errors are those of Prometheus.
//
// Requests for hosts that are not loopback are refused, so that no page of another site
// reads by a name that resolves to 127.0.0.1. Answers carry no CORS headers.
package api
