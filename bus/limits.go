package bus

import "time"

// Limits returns the age and the size at which the log discards its oldest messages.
func (b *Bus) Limits() (age time.Duration, bytes int64) {
	return b.config.MaxAge, b.config.MaxBytes
}
