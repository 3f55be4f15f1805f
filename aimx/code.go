package aimx

import "fmt"

// Code classifies the refusal of a server.
type Code string

// The codes of AimX 3.0. A client reads any other code as CodeInternal.
const (
	CodeNotFound        Code = "not_found"
	CodeDenied          Code = "denied"
	CodeInternal        Code = "internal"
	CodeVersionMismatch Code = "version_mismatch"
)

// Refusal is the error of a call or a subscription that the server refused.
type Refusal struct {
	// Code is one of the four codes of the protocol.
	Code Code
	// Operation is the request, such as "record.get attic.co2".
	Operation string
	// Endpoint is the endpoint of the server.
	Endpoint string
	// Reason is the explanation of the server. Servers of upstream give none.
	Reason string
	// Err is the cause, if the server is in this process and knows one: a
	// *history.QueryError, for example. It is nil for a request that is wrong in itself.
	Err error
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Error implements error.
func (r *Refusal) Error() string {
	reason := r.Reason
	if reason == "" {
		reason = r.Code.meaning()
	}
	return fmt.Sprintf("%s at %s: %s: %s", r.Operation, r.Endpoint, r.Code, reason)
}

// meaning explains a code that came without a reason.
func (c Code) meaning() string {
	switch c {
	case CodeNotFound:
		return "no such record or method, or the record has no value yet; record.list names the records"
	case CodeDenied:
		return "the record is not writable by clients, or the limit of subscriptions is reached"
	case CodeVersionMismatch:
		return "the server does not speak AimX " + Version
	}
	return "the server failed; see its log"
}
