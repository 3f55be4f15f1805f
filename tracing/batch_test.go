package tracing

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/aimdb-go/aimdb"
)

// recorder is a provider that keeps its only span.
type recorder struct {
	noop.TracerProvider
	span recorded
}

type recorded struct {
	noop.Span
	name         string
	start        trace.SpanConfig
	began, ended time.Time
	status       codes.Code
	err          error
}

func (r *recorder) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{r: r} }

type tracer struct {
	noop.Tracer
	r *recorder
}

func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	s := &t.r.span
	s.name, s.start = name, trace.NewSpanStartConfig(opts...)
	s.began = s.start.Timestamp()
	return ctx, s
}

func (s *recorded) End(opts ...trace.SpanEndOption) {
	c := trace.NewSpanEndConfig(opts...)
	s.ended = c.Timestamp()
}
func (s *recorded) SetStatus(c codes.Code, _ string)              { s.status = c }
func (s *recorded) RecordError(err error, _ ...trace.EventOption) { s.err = err }

func TestOnBatch(t *testing.T) {
	began := time.Unix(1000, 0)
	broken := errors.New("the disk is full")
	b := aimdb.BatchInfo{Sink: "sqlite", Values: 3, Began: began, Ended: began.Add(time.Second), Err: broken}
	b.From.Sequence, b.To.Sequence = 4, 7
	var r recorder
	OnBatch(&r)(b)
	s := r.span
	if s.name != "store sqlite" || !s.began.Equal(b.Began) || !s.ended.Equal(b.Ended) || s.status != codes.Error || !errors.Is(s.err, broken) {
		t.Errorf("the span is %+v", s)
	}
	got := map[string]string{}
	for _, a := range s.start.Attributes() {
		got[string(a.Key)] = a.Value.String()
	}
	if got["aimdb.values"] != "3" || got["aimdb.log.after"] != "4" || got["aimdb.log.to"] != "7" || got["aimdb.sink"] != "sqlite" {
		t.Errorf("the attributes are %v", got)
	}
}
