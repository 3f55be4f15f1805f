//go:build race

package parquet_test

// checksPointers says that the program is built with checks of unsafe pointers.
const checksPointers = true
