// Package series makes the rows of a history series of Prometheus: a [Queryable] is the
// storage that the PromQL engine reads.
//
// A sample has the time of its row and the number at the path of its metric. Rows without a
// number there are left out. Of several rows of one record and millisecond, the last one
// counts. Samples are always read row by row: the buckets of a history include their first
// millisecond and exclude their end, a range of Prometheus is the other way round, and a
// bucket does not say when its last value came, which staleness goes by.
//
// Lists of series and of labels come from the statistics of the history: a series is listed
// if rows of its record span the time that is asked for, whether or not they hold a number.
//
// A context of [WithGrants] hides the series of records that a client may not read. Their
// rows count as read: a metric's pattern is asked for as a whole.
package series
