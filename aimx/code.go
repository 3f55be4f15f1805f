package aimx

import "fmt"

// Code is what a server says when it refuses.
type Code string

// The codes of AimX 3.0. A client takes any other for CodeInternal.
const (
	CodeNotFound        Code = "not_found"
	CodeDenied          Code = "denied"
	CodeInternal        Code = "internal"
	CodeVersionMismatch Code = "version_mismatch"
)

// Refusal is the answer of a server that refused a call or a subscription.
type Refusal struct {
	// Code is one of the four codes of the protocol.
	Code Code
	// Operation is what was asked, such as "record.get attic.co2".
	Operation string
	// Endpoint is where it was asked.
	Endpoint string
	// Reason is the server's own explanation; servers other than ours give none.
	Reason string
}

// Error implements error.
func (r *Refusal) Error() string {
	reason := r.Reason
	if reason == "" {
		reason = r.Code.meaning()
	}
	return fmt.Sprintf("%s at %s: %s: %s", r.Operation, r.Endpoint, r.Code, reason)
}

func (c Code) meaning() string {
	switch c {
	case CodeNotFound:
		return "no such record or method, or the record has no value yet; record.list names what is there"
	case CodeDenied:
		return "the record is not writable from outside, or the limit of subscriptions is reached"
	case CodeVersionMismatch:
		return "the server does not speak AimX " + Version
	}
	return "the server could not do it; its log may say why"
}
