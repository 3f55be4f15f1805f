package records

import (
	"errors"
	"fmt"
)

// begin keeps the value that a record starts with as if it were refilled.
func (r *Record[T]) begin() error {
	h := &r.handle
	if h.config.Initial == nil {
		return nil
	}
	v, ok := h.config.Initial.(T)
	switch {
	case !ok:
		return fmt.Errorf("its initial value is a %T and not a %s", h.config.Initial, h.typeName)
	case h.config.Kind == Mailbox:
		return errors.New("it is a mailbox and has an initial value; nobody could tell whether that was taken before")
	}
	r.prepend([]any{&v}, []int64{h.now()})
	return nil
}

// dropInitial makes room for what history has instead of the initial value.
func (h *Untyped) dropInitial() {
	if h.config.Initial != nil && h.kept() > 0 && h.oldest() <= 0 {
		h.gone = 0
	}
}
