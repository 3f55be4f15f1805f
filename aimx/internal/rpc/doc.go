// Package rpc holds what the NATS service of a database and its client share: the
// subjects of requests, the methods, and the codes of errors.
//
// A request of a method goes to aimdb.<database>.rpc.<method>, where record.get is get,
// record.set is set, and so on. The tokens that follow are a key or a pattern, as in the
// subjects of live values: see [key.Token]. A pattern has [Any] for '*', and [All] at its
// end for one or more segments, as '>' has in a subscription. A segment that is spelled
// like these has %5F for its underscore. There is no other spelling of a key or pattern:
// [Parse] refuses one, since permissions compare subjects.
package rpc
