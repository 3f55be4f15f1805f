package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Kind is the type of a metric.
type Kind string

// The types of the metrics.
const (
	Counter Kind = "counter"
	Gauge   Kind = "gauge"
	// Histogram metrics have the names with _bucket, _sum and _count.
	Histogram Kind = "histogram"
)

// Description describes a metric.
type Description struct {
	Name   string
	Kind   Kind
	Labels []string
	Help   string
}

// metric is a description that values can be sent for.
type metric struct {
	Description
	desc *prometheus.Desc
}

func newMetric(kind Kind, name, help string, labels ...string) *metric {
	return &metric{Description{name, kind, labels, help}, prometheus.NewDesc(name, help, labels, nil)}
}

// send sends one value.
func (m *metric) send(to chan<- prometheus.Metric, value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if m.Kind == Counter {
		kind = prometheus.CounterValue
	}
	sent, err := prometheus.NewConstMetric(m.desc, kind, value, labels...)
	if err != nil { // a label is not UTF-8
		sent = prometheus.NewInvalidMetric(m.desc, err)
	}
	to <- sent
}
