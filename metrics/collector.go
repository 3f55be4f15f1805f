package metrics

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
)

// collector collects the metrics of one database.
type collector struct {
	db      *aimdb.DB
	options options
	all     []*metric
	// failed counts the scrapes that lack something.
	failed atomic.Uint64

	record  recordMetrics
	values  valueMetrics
	log     logMetrics
	sinks   sinkMetrics
	history historyMetrics
	ways    wayMetrics
	own     ownMetrics
}

// ownMetrics are those of the database as a whole.
type ownMetrics struct{ info, troubles, diskFree, disk, errors, backup, every *metric }

func newOwnMetrics() ownMetrics {
	return ownMetrics{
		info:     newMetric(Gauge, "aimdb_info", "1, with the name of the database.", "database"),
		troubles: newMetric(Gauge, "aimdb_troubles", "Troubles that /health and /readyz tell."),
		diskFree: newMetric(Gauge, "aimdb_disk_free_bytes", "What the process may still use of the file system of the data directory."),
		disk:     newMetric(Gauge, "aimdb_disk_bytes", "Size of the file system of the data directory."),
		errors:   newMetric(Counter, "aimdb_scrape_errors_total", "Scrapes that lack something because the log or the history did not answer."),
		backup:   newMetric(Gauge, "aimdb_backup_last_success_timestamp_seconds", "Time of the last backup that was verified; 0 if there is none, absent if none is scheduled."),
		every:    newMetric(Gauge, "aimdb_backup_interval_seconds", "Time between two backups by the settings, absent if none is scheduled."),
	}
}

func (o ownMetrics) all() []*metric {
	return []*metric{o.info, o.troubles, o.diskFree, o.disk, o.errors, o.backup, o.every}
}

// New returns a collector of the metrics of a database.
func New(db *aimdb.DB, opts ...Option) prometheus.Collector { return newCollector(db, opts...) }

func newCollector(db *aimdb.DB, opts ...Option) *collector {
	c := &collector{
		db: db, options: options{records: DefaultRecords},
		record: newRecordMetrics(), values: newValueMetrics(), log: newLogMetrics(), sinks: newSinkMetrics(),
		history: newHistoryMetrics(), ways: newWayMetrics(), own: newOwnMetrics(),
	}
	for _, opt := range opts {
		opt(&c.options)
	}
	c.all = slices.Concat(c.own.all(), c.values.all(), c.record.all(), c.log.all(), c.sinks.all(), c.history.all(), c.ways.all())
	return c
}

// Descriptions lists the metrics of New.
func Descriptions() (all []Description) {
	for _, m := range newCollector(nil).all {
		all = append(all, m.Description)
	}
	return all
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range c.all {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	c.collectRecords(to)
	t, err := c.db.Totals(ctx)
	if err != nil {
		c.failed.Add(1)
	}
	c.log.collect(to, t)
	c.sinks.collect(to, t)
	c.history.collect(to, t)
	c.ways.collect(to, t)
	o := c.own
	o.info.send(to, 1, c.db.Name())
	o.troubles.send(to, float64(len(c.db.Troubles())))
	o.errors.send(to, float64(c.failed.Load()))
	if t.Disk != nil {
		o.diskFree.send(to, float64(t.Disk.FreeBytes))
		o.disk.send(to, float64(t.Disk.Bytes))
	}
	if t.Backup != nil {
		o.backup.send(to, seconds(t.Backup.LastSuccess))
		o.every.send(to, t.Backup.Every.Seconds())
	}
}

// seconds is a time as Prometheus has it, 0 for none.
func seconds(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// histogram sends a histogram.
func (m *metric) histogram(to chan<- prometheus.Metric, h aimdb.Histogram, labels ...string) {
	buckets, sum := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		sum += h.Counts[i]
		buckets[bound] = sum
	}
	sent, err := prometheus.NewConstHistogram(m.desc, h.Count(), h.Sum, buckets, labels...)
	if err != nil { // a label is not UTF-8
		sent = prometheus.NewInvalidMetric(m.desc, err)
	}
	to <- sent
}
