package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/aimdb-go/aimdb"
)

// OnBatch returns what Config.OnBatch of a database can be: it makes a span of each batch.
func OnBatch(p trace.TracerProvider) func(aimdb.BatchInfo) {
	tracer := p.Tracer("github.com/aimdb-go/aimdb/tracing")
	return func(b aimdb.BatchInfo) {
		_, span := tracer.Start(context.Background(), "store "+b.Sink, trace.WithTimestamp(b.Began), trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(
				attribute.String("aimdb.sink", b.Sink),
				attribute.Int("aimdb.values", b.Values), attribute.Int("aimdb.dead_letters", b.Refused), attribute.Int("aimdb.losses", b.Losses),
				attribute.Int64("aimdb.log.after", int64(b.From.Sequence)), attribute.Int64("aimdb.log.to", int64(b.To.Sequence)),
			))
		if b.Err != nil {
			span.RecordError(b.Err, trace.WithTimestamp(b.Ended))
			span.SetStatus(codes.Error, b.Err.Error())
		}
		span.End(trace.WithTimestamp(b.Ended))
	}
}
