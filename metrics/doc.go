// Package metrics has the state of a database for Prometheus: [New] returns a collector for
// a registry of the caller, and [Handler] serves it together with those of Go and the
// process.
//
// # Cost
//
// A scrape asks the log and the sums of the history, and looks at each record once. It reads
// no rows. It takes at most [Timeout]; what could not be found out by then is left out, and
// aimdb_scrape_errors_total counts that.
//
// # Labels
//
// Metrics of single records have the label record, for the first [DefaultRecords] records
// that were registered: see [Records]. aimdb_records_left_out says how many have none. The
// sums over all records, which have names that begin with aimdb_values, leave none out. All
// other labels have as many values as the settings name, or as this package lists.
//
// # Names
//
// [Descriptions] lists all metrics. docs/METRICS.md is made of it.
package metrics
