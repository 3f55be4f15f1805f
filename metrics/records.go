package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// recordMetrics are those of single records.
type recordMetrics struct {
	produced, lost, dropped, unread, readers, lastWrite *metric
}

func newRecordMetrics() recordMetrics {
	return recordMetrics{
		produced:  newMetric(Counter, "aimdb_record_produced_total", "Values written to the record.", "record"),
		lost:      newMetric(Counter, "aimdb_record_lost_total", "Values of the record that did not reach the log, by cause.", "record", "cause"),
		dropped:   newMetric(Counter, "aimdb_record_dropped_total", "Values of the record that a reader did not get, by cause, summed over readers.", "record", "cause"),
		unread:    newMetric(Gauge, "aimdb_record_unread_values", "Values in the record that its slowest reader has not read.", "record"),
		readers:   newMetric(Gauge, "aimdb_record_readers", "Readers of the record, those of the log and of stages included.", "record"),
		lastWrite: newMetric(Gauge, "aimdb_record_last_write_timestamp_seconds", "Time of the last write to the record, for records that keep times.", "record"),
	}
}

func (r recordMetrics) all() []*metric {
	return []*metric{r.produced, r.lost, r.dropped, r.unread, r.readers, r.lastWrite}
}

// valueMetrics are sums over all records.
type valueMetrics struct {
	records, leftOut, produced, lost, dropped, unread, badTimes *metric
}

func newValueMetrics() valueMetrics {
	return valueMetrics{
		records:  newMetric(Gauge, "aimdb_records", "Records of the database."),
		leftOut:  newMetric(Gauge, "aimdb_records_left_out", "Records without metrics of their own, because there are more than the limit of the collector."),
		produced: newMetric(Counter, "aimdb_values_produced_total", "Values written to all records."),
		lost:     newMetric(Counter, "aimdb_values_lost_total", "Values of all records that did not reach the log, by cause.", "cause"),
		dropped:  newMetric(Counter, "aimdb_values_dropped_total", "Values of all records that a reader did not get, by cause, summed over readers.", "cause"),
		unread:   newMetric(Gauge, "aimdb_values_unread_max", "The largest number of values that the slowest reader of a record has not read."),
		badTimes: newMetric(Counter, "aimdb_values_bad_time_total", "Values whose own time was not usable, and which have the time of their write instead."),
	}
}

func (v valueMetrics) all() []*metric {
	return []*metric{v.records, v.leftOut, v.produced, v.lost, v.dropped, v.unread, v.badTimes}
}

// collectRecords sends the metrics of the first records and the sums of all.
func (c *collector) collectRecords(to chan<- prometheus.Metric) {
	all := c.db.Registry().Records()
	lost, dropped := map[loss.Cause]uint64{}, map[loss.Cause]uint64{}
	var produced, badTimes uint64
	var unread int
	for i, u := range all {
		m := u.Metrics()
		produced, badTimes, unread = produced+m.Produced, badTimes+m.BadTimes, max(unread, m.Unread)
		for cause, n := range m.LostBy {
			lost[cause] += n
		}
		for _, d := range m.Drops {
			dropped[d.Cause] += d.Count
		}
		if i < c.options.records {
			c.record.collect(to, u.Key(), m)
		}
	}
	v := c.values
	v.records.send(to, float64(len(all)))
	v.leftOut.send(to, float64(max(0, len(all)-c.options.records)))
	v.produced.send(to, float64(produced))
	v.unread.send(to, float64(unread))
	v.badTimes.send(to, float64(badTimes))
	for _, cause := range causes() {
		v.lost.send(to, float64(lost[cause]), string(cause))
		v.dropped.send(to, float64(dropped[cause]), string(cause))
	}
}

// causes are those of losses between a producer and the log. Each has a value from the
// start, so that the first loss is an increase.
func causes() []loss.Cause {
	return []loss.Cause{loss.RingOverrun, loss.MailboxOverwritten, loss.ProducedAfterClose, loss.NotEncodable, loss.LogRefused, loss.NotLogged}
}

func (r recordMetrics) collect(to chan<- prometheus.Metric, key string, m records.Metrics) {
	r.produced.send(to, float64(m.Produced), key)
	r.unread.send(to, float64(m.Unread), key)
	r.readers.send(to, float64(m.Readers), key)
	if m.LastWrite > 0 {
		r.lastWrite.send(to, float64(m.LastWrite)/1000, key)
	}
	for cause, n := range m.LostBy {
		r.lost.send(to, float64(n), key, string(cause))
	}
	if len(m.Drops) == 0 {
		return
	}
	dropped := map[loss.Cause]uint64{}
	for _, d := range m.Drops {
		dropped[d.Cause] += d.Count
	}
	for cause, n := range dropped {
		r.dropped.send(to, float64(n), key, string(cause))
	}
}
