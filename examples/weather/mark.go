package weather

import (
	"cmp"
	"time"
)

// Mark is the position of a validation in the order of its city. The zero mark
// is before all of them.
type Mark struct {
	Valid, Issued time.Time
	Source        string
}

// MarkOf returns the position of a validation.
func MarkOf(v ForecastValidation) Mark {
	return Mark{Valid: v.ValidAt, Issued: v.IssuedAt, Source: v.Source}
}

// Before reports whether the mark is before a validation.
func (m Mark) Before(v ForecastValidation) bool {
	return cmp.Or(m.Valid.Compare(v.ValidAt), m.Issued.Compare(v.IssuedAt), cmp.Compare(m.Source, v.Source)) < 0
}
