package mqttmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/mqtt"
)

// metric is one number of the counts.
type metric struct {
	metrics.Description
	of func(mqtt.Counts) float64
}

const refusedName = "aimdb_mqtt_refused_total"

func all() []metric {
	counter := func(name, help string, of func(mqtt.Counts) uint64) metric {
		return metric{metrics.Description{Name: name, Kind: metrics.Counter, Help: help}, func(c mqtt.Counts) float64 { return float64(of(c)) }}
	}
	gauge := func(name, help string, of func(mqtt.Counts) int) metric {
		return metric{metrics.Description{Name: name, Kind: metrics.Gauge, Help: help}, func(c mqtt.Counts) float64 { return float64(of(c)) }}
	}
	return []metric{
		gauge("aimdb_mqtt_connections", "Connected MQTT clients.", func(c mqtt.Counts) int { return c.Clients }),
		gauge("aimdb_mqtt_sessions", "Kept sessions, those of connected clients included.", func(c mqtt.Counts) int { return c.Sessions }),
		counter("aimdb_mqtt_published_total", "Messages of clients whose value was taken.", func(c mqtt.Counts) uint64 { return c.Published }),
		counter("aimdb_mqtt_acknowledged_total", "Messages of QoS 1 and 2 that were acknowledged to clients.", func(c mqtt.Counts) uint64 { return c.Acknowledged }),
		counter("aimdb_mqtt_duplicates_total", "Messages of QoS 2 that had been taken before.", func(c mqtt.Counts) uint64 { return c.Duplicates }),
		counter("aimdb_mqtt_delivered_total", "Messages sent to subscribers.", func(c mqtt.Counts) uint64 { return c.Delivered }),
		counter("aimdb_mqtt_missed_total", "Values that a subscriber did not get because it was too slow, or away for too long.", func(c mqtt.Counts) uint64 { return c.Missed }),
		counter("aimdb_mqtt_too_large_total", "Values that are larger than the packets the client takes.", func(c mqtt.Counts) uint64 { return c.TooLarge }),
	}
}

func refused() metrics.Description {
	return metrics.Description{
		Name: refusedName, Kind: metrics.Counter, Labels: []string{"cause"},
		Help: "What ended or prevented a connection, by cause. Clients that were cut off because they did not read are slow.",
	}
}

// Descriptions lists the metrics of New.
func Descriptions() (list []metrics.Description) {
	for _, m := range all() {
		list = append(list, m.Description)
	}
	return append(list, refused())
}

// collector collects the counts of one server.
type collector struct {
	server  *mqtt.Server
	metrics []metric
	descs   []*prometheus.Desc
	refused *prometheus.Desc
}

// New returns a collector of the counts of a server.
func New(server *mqtt.Server) prometheus.Collector {
	c := &collector{server: server, metrics: all()}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc(m.Name, m.Help, nil, nil))
	}
	r := refused()
	c.refused = prometheus.NewDesc(r.Name, r.Help, r.Labels, nil)
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range append(c.descs[:len(c.descs):len(c.descs)], c.refused) {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	counts := c.server.Counts()
	for i, m := range c.metrics {
		kind := prometheus.GaugeValue
		if m.Kind == metrics.Counter {
			kind = prometheus.CounterValue
		}
		to <- prometheus.MustNewConstMetric(c.descs[i], kind, m.of(counts))
	}
	for _, cause := range mqtt.Causes() {
		to <- prometheus.MustNewConstMetric(c.refused, prometheus.CounterValue, float64(counts.Refused[cause]), cause)
	}
}
