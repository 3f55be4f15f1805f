// Package histogram counts observations in fixed buckets, for a scrape. It allocates
// nothing when it counts.
package histogram
