//go:build !race

package parquet_test

const checksPointers = false
