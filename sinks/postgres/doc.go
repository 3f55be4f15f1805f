// Package postgres keeps the history of records in PostgreSQL.
package postgres
