package serve

// GivenAt says where a setting, such as tls.cert_file, was given: a line of the file, a
// variable, a flag, or default.
func (s *Settings) GivenAt(setting string) string { return s.givenAt(setting) }

// HistoryFile returns the path of the history, "" if it is in PostgreSQL or off.
func (s *Settings) HistoryFile() string {
	if s.History == Off || isPostgres(s.History) {
		return ""
	}
	return s.historyPath()
}
