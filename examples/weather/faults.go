package weather

import "log/slog"

// faultsLogged is the number of faults of one file that are logged line by line.
// A file of another format would otherwise fill the log.
const faultsLogged = 20

// Faults counts and logs the malformed lines of one file.
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

// add counts a line and logs it.
func (f *Faults) add(line int, reason error) {
	f.count++
	switch {
	case f.count < faultsLogged:
		f.logger.Warn("skipped a malformed line", "file", f.file, "line", line, "reason", reason)
	case f.count == faultsLogged:
		f.logger.Warn("skipped a malformed line; further ones are only counted", "file", f.file, "line", line, "reason", reason)
	}
}

// sum logs the numbers of skipped and used lines.
func (f *Faults) sum(used int) {
	if f.count > 0 {
		f.logger.Warn("skipped lines of a file", "file", f.file, "skipped", f.count, "used", used)
	}
}
