package records

import "fmt"

// Kind is the kind of buffer that a record keeps its values in.
type Kind uint8

// The kinds of buffer.
const (
	// Ring keeps the last Capacity values. Every reader has a cursor of its
	// own and gets every value in order; one that is too slow is moved to the
	// oldest value kept and told how many it missed. A new reader starts with
	// the next value.
	Ring Kind = iota
	// Latest keeps one value. A reader gets the newest value; those between
	// two receives collapse, which is not a loss. A new reader gets the
	// current value once.
	Latest
	// Mailbox is one slot that is overwritten if it was not taken. Taking
	// empties it; of several readers exactly one gets each value. To look at
	// the value without taking it there are Record.Latest and Untyped.Get, and
	// a Feed does no more than look either.
	Mailbox
)

// String returns the name that AimX uses.
func (k Kind) String() string {
	switch k {
	case Ring:
		return "spmc_ring"
	case Latest:
		return "single_latest"
	case Mailbox:
		return "mailbox"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}
