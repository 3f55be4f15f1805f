// Package duckdb reads with DuckDB what package sinks/parquet and `aimdb history export`
// write. It is a module of its own, so that nobody else needs DuckDB: `make interop` runs
// its tests.
package duckdb
