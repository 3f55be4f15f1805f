// Package records holds the typed records of a database in memory.
package records
