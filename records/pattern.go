package records

// Pattern selects records by their keys.
type Pattern struct{ text string }
