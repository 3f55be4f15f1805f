// Package cluster connects a log to NATS servers that somebody else runs: one server,
// or a cluster. It is the other bus.Server beside package natsd.
//
// Only servers of version [MinimumVersion] or later are used: earlier ones can lose an
// acknowledged message at a power loss, also if they sync before they acknowledge.
// Nothing is known of the subscribers of such a server, so the live values of Remote
// records are always published.
//
// # What survives what
//
// A server acknowledges when the message is in its file, and syncs every two minutes,
// unless its setting says otherwise:
//
//	jetstream { store_dir: /var/lib/nats, sync_interval: always }
//
// A log with several replicas acknowledges when most of them have the message. It
// survives the loss of a minority of the servers, and a power loss of all of them only
// as far as they had synced.
//
// # Permissions
//
// Who may read and write the log is decided by the accounts of the server, not here.
// The file accounts.conf beside this one has an account with two users: one for the
// program, with all that it needs, and one that may read the values of Remote records
// and ask the database for them (see package aimx/natsservice), but neither private
// records nor losses, which name them. With a domain, its name takes the place of JS in
// the subjects: $JS.<domain>.API.
//
// The connections of the program have inboxes under [InboxPrefix]. Whoever may subscribe
// to these reads everything in the log. Whoever may create consumers can make the server
// deliver the messages that he may read to any subject of the account, also into a log:
// give a reader that is not trusted only the subscriptions, or another account that
// imports them. Whoever may publish to $SRV.> can have a description of the service stored
// as a value, by the subject of the answer.
package cluster
