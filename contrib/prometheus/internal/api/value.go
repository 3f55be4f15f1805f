package api

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
)

// truncate leaves at most limit series in a value, and says so.
func truncate(v parser.Value, limit int, warnings *annotations.Annotations) parser.Value {
	switch v := v.(type) {
	case promql.Matrix:
		if len(v) > limit {
			truncated(warnings)
			return v[:limit]
		}
	case promql.Vector:
		if len(v) > limit {
			truncated(warnings)
			return v[:limit]
		}
	}
	return v
}

// appendValue appends the JSON of a result. Native histograms cannot be in it, since no
// series has one.
func appendValue(b []byte, v parser.Value) ([]byte, error) {
	b = append(b, `{"resultType":"`+string(v.Type())+`","result":`...)
	switch v := v.(type) {
	case promql.Scalar:
		b = appendPoint(b, v.T, v.V)
	case promql.String:
		b = append(appendTime(append(b, '['), v.T), ',')
		b = append(appendText(b, v.V), ']')
	case promql.Vector:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendMetric(append(b, `{"metric":`...), s.Metric)
			b = append(appendPoint(append(b, `,"value":`...), s.T, s.F), '}')
		}
		b = append(b, ']')
	case promql.Matrix:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendSeries(b, s)
		}
		b = append(b, ']')
	default:
		return nil, fmt.Errorf("the engine returned a %T, which has no JSON", v)
	}
	return append(b, '}'), nil
}

func appendSeries(b []byte, s promql.Series) []byte {
	b = appendMetric(append(b, `{"metric":`...), s.Metric)
	b = append(b, `,"values":[`...)
	for i, p := range s.Floats {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPoint(b, p.T, p.F)
	}
	return append(b, ']', '}')
}

func appendMetric(b []byte, metric labels.Labels) []byte {
	b = append(b, '{')
	first := true
	metric.Range(func(l labels.Label) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, l.Name), ':')
		b = appendText(b, l.Value)
	})
	return append(b, '}')
}

func appendPoint(b []byte, ms int64, number float64) []byte {
	b = append(appendTime(append(b, '['), ms), ',', '"')
	format := byte('f')
	if abs := math.Abs(number); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return append(strconv.AppendFloat(b, number, format, -1, 64), '"', ']')
}

// appendTime appends seconds, with milliseconds if there are any.
func appendTime(b []byte, ms int64) []byte {
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if rest := ms % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return b
}

func appendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a string can always be encoded
	return append(b, quoted...)
}
