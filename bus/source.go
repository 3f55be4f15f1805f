package bus

// Domain returns the JetStream domain of a server that joins a hub as a leaf node and
// keeps the log of a database.
func Domain(database string) string { return "aimdb-" + database }

// DeliverPrefix returns the prefix of the subjects that such a server delivers the log
// to a hub on.
func DeliverPrefix(database string) string { return "_AIMDB_SOURCE." + StreamName(database) }
