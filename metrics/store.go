package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
)

// logMetrics are those of the log.
type logMetrics struct {
	messages, bytes, oldest, limitBytes, limitAge, published, refused, underway, retries, up, appends *metric
	clients, slow                                                                                     *metric
}

func newLogMetrics() logMetrics {
	return logMetrics{
		messages:   newMetric(Gauge, "aimdb_log_messages", "Messages in the log."),
		bytes:      newMetric(Gauge, "aimdb_log_bytes", "Size of the log."),
		oldest:     newMetric(Gauge, "aimdb_log_oldest_timestamp_seconds", "Time of the oldest message in the log; absent if it is empty."),
		limitBytes: newMetric(Gauge, "aimdb_log_limit_bytes", "Size at which the oldest messages of the log go."),
		limitAge:   newMetric(Gauge, "aimdb_log_limit_age_seconds", "Age at which the oldest messages of the log go."),
		published:  newMetric(Counter, "aimdb_log_published_total", "Messages that this process has logged."),
		refused:    newMetric(Counter, "aimdb_log_refused_total", "Values that were too large for the log."),
		underway:   newMetric(Gauge, "aimdb_log_underway_messages", "Messages that await the answer of the log."),
		retries:    newMetric(Counter, "aimdb_log_retries_total", "Attempts to recover after a failure of the log."),
		up:         newMetric(Gauge, "aimdb_log_ok", "1 if the log takes values, 0 if values wait for it."),
		appends:    newMetric(Histogram, "aimdb_log_append_seconds", "Time from the attempt to send a batch to the answer of the log. With durable_log the sync to disk is in it."),
		clients:    newMetric(Gauge, "aimdb_nats_connections", "Connections of NATS clients, with those of the process itself."),
		slow:       newMetric(Counter, "aimdb_nats_slow_clients_total", "NATS clients that were disconnected because they did not read."),
	}
}

func (l logMetrics) all() []*metric {
	return []*metric{l.messages, l.bytes, l.oldest, l.limitBytes, l.limitAge, l.published, l.refused, l.underway, l.retries, l.up, l.appends, l.clients, l.slow}
}

func (l logMetrics) collect(to chan<- prometheus.Metric, t aimdb.Totals) {
	s := t.Log
	l.messages.send(to, float64(s.Messages))
	l.bytes.send(to, float64(s.Bytes))
	if !s.FirstTime.IsZero() {
		l.oldest.send(to, seconds(s.FirstTime))
	}
	l.limitBytes.send(to, float64(t.LogBytes))
	l.limitAge.send(to, t.LogAge.Seconds())
	l.published.send(to, float64(s.Published))
	l.refused.send(to, float64(s.Refused))
	l.underway.send(to, float64(s.Underway))
	l.retries.send(to, float64(s.Retries))
	l.up.send(to, boolean(s.State == "ok"))
	l.appends.histogram(to, s.AppendSeconds)
	l.clients.send(to, float64(s.Clients))
	l.slow.send(to, float64(s.SlowClients))
}

// sinkMetrics are those of the sinks.
type sinkMetrics struct {
	lag, lagSeconds, values, refused, lost, retries, up, lastCommit, batches, commits *metric
}

func newSinkMetrics() sinkMetrics {
	return sinkMetrics{
		lag:        newMetric(Gauge, "aimdb_sink_lag_messages", "Messages of the log that the sink has not stored.", "sink"),
		lagSeconds: newMetric(Gauge, "aimdb_sink_lag_seconds", "Age of the oldest message of the log that the sink has not stored, 0 if there is none.", "sink"),
		values:     newMetric(Counter, "aimdb_sink_values_total", "Values that the sink has stored.", "sink"),
		refused:    newMetric(Counter, "aimdb_sink_dead_letters_total", "Values that the sink refused for good and that are kept as dead letters.", "sink"),
		lost:       newMetric(Counter, "aimdb_sink_lost_total", "Values that the sink did not get.", "sink"),
		retries:    newMetric(Counter, "aimdb_sink_retries_total", "Attempts after an error of the sink or of the log.", "sink"),
		up:         newMetric(Gauge, "aimdb_sink_ok", "1 if the sink takes values, 0 if they wait for it.", "sink"),
		lastCommit: newMetric(Gauge, "aimdb_sink_last_commit_timestamp_seconds", "Time of the last commit of the sink; absent before the first.", "sink"),
		batches:    newMetric(Histogram, "aimdb_sink_batch_values", "Values of a batch that the sink has stored.", "sink"),
		commits:    newMetric(Histogram, "aimdb_sink_commit_seconds", "Time that the sink took to store a batch.", "sink"),
	}
}

func (s sinkMetrics) all() []*metric {
	return []*metric{s.lag, s.lagSeconds, s.values, s.refused, s.lost, s.retries, s.up, s.lastCommit, s.batches, s.commits}
}

func (s sinkMetrics) collect(to chan<- prometheus.Metric, t aimdb.Totals) {
	for i, sink := range t.Sinks {
		name, lag := sink.Sink, t.Lags[i]
		s.lag.send(to, float64(lag.Messages), name)
		behind := 0.0
		if !lag.Since.IsZero() {
			behind = max(0, time.Since(lag.Since).Seconds())
		}
		s.lagSeconds.send(to, behind, name)
		s.values.send(to, float64(sink.Values), name)
		s.refused.send(to, float64(sink.Refused), name)
		s.lost.send(to, float64(sink.Lost), name)
		s.retries.send(to, float64(sink.Retries), name)
		s.up.send(to, boolean(sink.State == "ok"), name)
		if !sink.LastCommit.IsZero() {
			s.lastCommit.send(to, seconds(sink.LastCommit), name)
		}
		s.batches.histogram(to, sink.BatchValues, name)
		s.commits.histogram(to, sink.CommitSeconds, name)
	}
}

// historyMetrics are those of the history and its retention.
type historyMetrics struct {
	rows, values, bytes, free, wal, lost, deadLetters, lastPrune, undecoded *metric
	sweeps, failures, prunedRows, prunedBytes, over, held                   *metric
}

func newHistoryMetrics() historyMetrics {
	return historyMetrics{
		rows:        newMetric(Gauge, "aimdb_history_rows", "Rows of the history."),
		values:      newMetric(Gauge, "aimdb_history_value_bytes", "Size of the values in the history."),
		bytes:       newMetric(Gauge, "aimdb_history_bytes", "Size of the history on disk, without its write-ahead log."),
		free:        newMetric(Gauge, "aimdb_history_free_bytes", "Part of aimdb_history_bytes that holds nothing and that later rows take."),
		wal:         newMetric(Gauge, "aimdb_history_wal_bytes", "Size of the write-ahead log beside the history; 0 for PostgreSQL, which has one for all databases."),
		lost:        newMetric(Gauge, "aimdb_history_lost_values", "Values in the ledger of losses, which the history keeps over restarts."),
		deadLetters: newMetric(Gauge, "aimdb_history_dead_letters", "Dead letters in the history, over restarts."),
		lastPrune:   newMetric(Gauge, "aimdb_history_last_prune_timestamp_seconds", "Time of the end of the last sweep of the retention; absent before the first."),
		undecoded:   newMetric(Counter, "aimdb_history_undecoded_total", "Rows that queries had to leave out."),
		sweeps:      newMetric(Counter, "aimdb_retention_sweeps_total", "Sweeps of the retention."),
		failures:    newMetric(Counter, "aimdb_retention_failures_total", "Sweeps of the retention that failed."),
		prunedRows:  newMetric(Counter, "aimdb_retention_pruned_rows_total", "Rows deleted on purpose, by the pattern of the policy that holds for their record; empty for records that only the limit of the whole history concerns.", "policy"),
		prunedBytes: newMetric(Counter, "aimdb_retention_pruned_bytes_total", "Size of the values of these rows.", "policy"),
		over:        newMetric(Gauge, "aimdb_retention_over_bytes", "By how much the history was above its limit after the last sweep, because all that is left is to be kept."),
		held:        newMetric(Gauge, "aimdb_retention_held_rows", "Rows that the last sweep kept because only the clock makes them too old."),
	}
}

func (h historyMetrics) all() []*metric {
	return []*metric{h.rows, h.values, h.bytes, h.free, h.wal, h.lost, h.deadLetters, h.lastPrune, h.undecoded, h.sweeps, h.failures, h.prunedRows, h.prunedBytes, h.over, h.held}
}

func (h historyMetrics) collect(to chan<- prometheus.Metric, t aimdb.Totals) {
	h.undecoded.send(to, float64(t.Undecoded))
	if s := t.History; s != nil {
		h.rows.send(to, float64(s.Rows))
		h.values.send(to, float64(s.ValueBytes))
		h.bytes.send(to, float64(s.Bytes))
		h.free.send(to, float64(s.FreeBytes))
		h.wal.send(to, float64(s.WALBytes))
		h.lost.send(to, float64(s.Lost))
		h.deadLetters.send(to, float64(s.DeadLetters))
		if s.LastPrune > 0 {
			h.lastPrune.send(to, float64(s.LastPrune)/1000)
		}
	}
	r := t.Retention
	h.sweeps.send(to, float64(r.Sweeps))
	h.failures.send(to, float64(r.Failures))
	h.over.send(to, float64(r.OverBytes))
	h.held.send(to, float64(r.Held))
	for policy, n := range r.Pruned {
		h.prunedRows.send(to, float64(n.Rows), policy)
		h.prunedBytes.send(to, float64(n.Bytes), policy)
	}
}
