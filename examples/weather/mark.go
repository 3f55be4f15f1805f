package weather

import (
	"cmp"
	"time"
)

// Mark is the place of a validation in the order of its city. The zero mark
// lies before all of them.
type Mark struct {
	Valid, Issued time.Time
	Source        string
}

// MarkOf returns the place of a validation.
func MarkOf(v ForecastValidation) Mark {
	return Mark{Valid: v.ValidAt, Issued: v.IssuedAt, Source: v.Source}
}

// Before says whether a validation lies behind the mark.
func (m Mark) Before(v ForecastValidation) bool {
	return cmp.Or(m.Valid.Compare(v.ValidAt), m.Issued.Compare(v.IssuedAt), cmp.Compare(m.Source, v.Source)) < 0
}
