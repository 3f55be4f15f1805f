package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
)

// parseTime reads seconds since 1970, or RFC 3339. The result is in milliseconds.
func parseTime(text string) (int64, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		ms := math.Round(seconds * 1000)
		if math.IsNaN(ms) || ms >= math.MaxInt64 || ms <= math.MinInt64 {
			return 0, fmt.Errorf("cannot parse %q to a valid timestamp: it is out of range", text)
		}
		return int64(ms), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timestamp.FromTime(t), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid timestamp", text)
}

// parseDuration reads seconds, or a duration such as 5m.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		ns := seconds * float64(time.Second)
		if math.IsNaN(ns) || ns >= math.MaxInt64 || ns <= math.MinInt64 {
			return 0, fmt.Errorf("cannot parse %q to a valid duration: it is out of range", text)
		}
		return time.Duration(ns), nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q to a valid duration", text)
	}
	return time.Duration(d), nil
}

// timeParam returns a time of the request, or another one if it has none.
func timeParam(r *http.Request, name string, otherwise int64) (int64, *failure) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	ms, err := parseTime(text)
	if err != nil {
		return 0, invalid(name, err)
	}
	return ms, nil
}

// durationParam returns a duration of the request, 0 if it has none.
func durationParam(r *http.Request, name string) (time.Duration, *failure) {
	text := r.FormValue(name)
	if text == "" {
		return 0, nil
	}
	d, err := parseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("it is negative")
	}
	if err != nil {
		return 0, invalid(name, err)
	}
	return d, nil
}

// limitParam returns the limit of the request, 0 if it has none.
func limitParam(r *http.Request) (int, *failure) {
	text := r.FormValue("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, invalid("limit", err)
	}
	return n, nil
}

// matchers returns the selectors of the request. It may have none.
func (a *API) matchers(r *http.Request) ([][]*labels.Matcher, *failure) {
	sets, err := a.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, invalid("match[]", err)
	}
	for _, set := range sets {
		if !selects(set) {
			return nil, invalid("match[]", errors.New("match[] must contain at least one non-empty matcher"))
		}
	}
	return sets, nil
}

// selects reports whether a matcher refuses an empty label.
func selects(set []*labels.Matcher) bool {
	for _, m := range set {
		if !m.Matches("") {
			return true
		}
	}
	return false
}
