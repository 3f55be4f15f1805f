package gateway

import "maps"

// LegacyMatch reports whether a pattern of the earlier protocol matches a record.
func LegacyMatch(pattern, record string) bool { return newLegacyPattern(pattern).match(record) }

// LegacyCovering returns the pattern that a grant must cover.
func LegacyCovering(pattern string) string { return newLegacyPattern(pattern).covering().String() }

// Methods returns the names of all methods that a server answers.
func Methods() map[string]bool {
	names := make(map[string]bool)
	for name := range maps.Keys(methods()) {
		names[name] = true
	}
	for name := range maps.Keys(historyMethods()) {
		names[name] = true
	}
	return names
}
