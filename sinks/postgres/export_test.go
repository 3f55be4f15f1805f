package postgres

// For the benchmark, which sends the same bytes.
var (
	AppendRows = appendRows
	Gathered   = gathered
	CopyText   = copyText
)
