package gateway

import "maps"

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
