// Package cluster connects a log to NATS servers that somebody else runs: one server,
// or a cluster. It is the other bus.Server beside package natsd.
//
// Only servers of version [MinimumVersion] or later are used: earlier ones can lose an
// acknowledged message at a power loss, also if they sync before they acknowledge.
// Nothing is known of the subscribers of such a server, so the live values of Remote
// records are always published.
//
// Who may read and write the log is decided by the accounts of the server, not here.
package cluster
