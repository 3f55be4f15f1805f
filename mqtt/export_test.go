package mqtt

import "sync/atomic"

// LibraryFilters returns how many filters the broker library keeps.
func (s *Server) LibraryFilters() int64 { return atomic.LoadInt64(&s.broker.Info.Subscriptions) }
