package jsonshape

// floatWriter copies JSON of encoding/json and adds fractions to floats without one.
type floatWriter struct {
	scanner
	out    []byte
	copied int // how much of the data is in out
}

// value handles the next value.
func (w *floatWriter) value(s *Shape) {
	first := w.peek()
	switch {
	case !s.floats || first == 'n':
		w.skip()
	case s.form == pointer:
		w.value(s.elem)
	case s.form == float:
		if hasFraction(w.skip()) {
			return
		}
		w.out = append(append(w.out, w.data[w.copied:w.at]...), ".0"...)
		w.copied = w.at
	case s.form == object:
		w.object(s)
	default:
		w.elements(s)
	}
}

// hasFraction reports whether a number has a fraction or an exponent.
func hasFraction(number []byte) bool {
	for _, c := range number {
		if c == '.' || c == 'e' {
			return true
		}
	}
	return false
}

// elements handles the elements of a list, an array or a dict.
func (w *floatWriter) elements(s *Shape) {
	for more := w.enter(); more; more = w.more() {
		if s.form == dict {
			w.name()
		}
		w.value(s.elem)
	}
}

// object handles members, which come in the order of the fields.
func (w *floatWriter) object(s *Shape) {
	i := 0
	for more := w.enter(); more; more = w.more() {
		name := w.name()
		for i < len(s.fields)-1 && s.fields[i].name != string(name) {
			i++
		}
		w.value(s.fields[i].shape)
	}
}
