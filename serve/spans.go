package serve

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/tracing"
)

// spansTimeout bounds a request to a collector of OpenTelemetry, and what a server that
// stops waits for it.
const spansTimeout = 5 * time.Second

// Otel says where spans of OpenTelemetry are sent.
type Otel struct {
	// Endpoint is the URL of a collector that takes OTLP over HTTP as protobuf. Without a
	// path it is /v1/traces. Empty sends nothing.
	Endpoint string `json:"endpoint,omitempty"`
	// Headers are sent with each request, such as one with a token.
	Headers map[string]string `json:"headers,omitempty"`
}

// spans sends a span of each batch to a collector. A nil one sends nothing.
type spans struct {
	collector *collector
	provider  *sdktrace.TracerProvider
}

// openSpans begins to send spans, and returns nil if none are wanted.
func openSpans(o Otel, database string, logger *slog.Logger) (*spans, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	c, err := newCollector(o, logger)
	if err != nil {
		return nil, err
	}
	// What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last, and counts.
	about, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "aimdb"), attribute.String("aimdb.database", database)),
		resource.WithFromEnv())
	if err != nil {
		logger.Warn("a part of what describes this process to OpenTelemetry is left out; see OTEL_RESOURCE_ATTRIBUTES", "error", err)
	}
	exporter, err := otlptrace.New(context.Background(), c)
	if err != nil {
		return nil, fmt.Errorf("send spans to %s: %w", c.shown(), err)
	}
	return &spans{c, sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(spansTimeout)))}, nil
}

// onBatch is what Config.OnBatch of the database is.
func (s *spans) onBatch() func(aimdb.BatchInfo) {
	if s == nil {
		return nil
	}
	return tracing.OnBatch(s.provider)
}

// close sends the spans that are left, for spansTimeout at most.
func (s *spans) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), spansTimeout)
	defer cancel()
	err := s.provider.Shutdown(ctx)
	s.collector.stop()
	if err != nil {
		s.collector.logger.Warn("the last spans were not sent", "endpoint", s.collector.shown(), "error", err)
	}
}
