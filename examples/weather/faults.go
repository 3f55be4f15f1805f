package weather

import "log/slog"

// faultsTold is how many faults of one file are reported line by line; a file
// of the wrong kind would otherwise fill the log with every line it has.
const faultsTold = 20

// Faults are the lines of one file that could not be used.
type Faults struct {
	file   string
	logger *slog.Logger
	count  int
}

func newFaults(file string, logger *slog.Logger) *Faults {
	return &Faults{file: file, logger: logger}
}

// Count returns the number of lines that were skipped.
func (f *Faults) Count() int { return f.count }

// add reports a line and counts it.
func (f *Faults) add(line int, reason error) {
	f.count++
	switch {
	case f.count < faultsTold:
		f.logger.Warn("skipped a malformed line", "file", f.file, "line", line, "reason", reason)
	case f.count == faultsTold:
		f.logger.Warn("skipped a malformed line; further ones are only counted", "file", f.file, "line", line, "reason", reason)
	}
}

// sum reports the number of skipped lines beside that of the used ones.
func (f *Faults) sum(used int) {
	if f.count > 0 {
		f.logger.Warn("some lines were skipped", "file", f.file, "skipped", f.count, "used", used)
	}
}
