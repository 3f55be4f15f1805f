// Package sinktest is the suite that every sink must pass. It uses a sink only
// through sinks.Sink and a Target, which opens sinks and reads back what they
// hold.
package sinktest
