package records

import (
	"errors"
	"fmt"
)

// validateFrom returns the function of Config.Validate, nil if there is none.
func validateFrom[T any](c Config) (func(T) error, error) {
	if c.Validate == nil {
		return nil, nil
	}
	fn, ok := c.Validate.(func(T) error)
	switch {
	case !ok:
		return nil, fmt.Errorf("its validation is a %T and not a %T", c.Validate, fn)
	case fn == nil:
		return nil, errors.New("its validation has no function")
	}
	return fn, nil
}

// validate returns why the value in a box may not be set, as an *InvalidError.
func (r *Record[T]) validate(box any) error {
	if r.valid == nil {
		return nil
	}
	err := r.judge(*box.(*T))
	var invalid *InvalidError
	if err == nil || errors.As(err, &invalid) {
		return err
	}
	return &InvalidError{Err: fmt.Errorf("the value is not valid: %w", err)}
}

func (r *Record[T]) judge(v T) (err error) {
	defer recoverInto(&err, "the validation")
	return r.valid(v)
}
