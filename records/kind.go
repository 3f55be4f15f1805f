package records

import "fmt"

// Kind is the kind of buffer that a record keeps its values in.
type Kind uint8

// The kinds of buffer.
const (
	// Ring keeps the last Capacity values. Every reader has its own cursor and
	// gets every value in order. A reader that is too slow continues at the
	// oldest value kept, and Missed counts what it missed. A new reader starts
	// with the next value.
	Ring Kind = iota
	// Latest keeps one value. A reader gets the newest value. Values between
	// two receives are superseded, which is not a loss. A new reader gets the
	// current value once.
	Latest
	// Mailbox keeps one value until a reader takes it or the next value
	// overwrites it. Exactly one reader gets each value. Record.Latest,
	// Untyped.Get and a Feed return the value without taking it.
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
