package jsonshape

import "bytes"

// scanner moves over valid JSON.
type scanner struct {
	data []byte
	at   int
}

// peek returns the first byte of what comes after white space, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// enter moves past an opening bracket. It reports whether something is inside;
// otherwise it moves past the closing one.
func (s *scanner) enter() bool {
	s.at++
	if c := s.peek(); c != '}' && c != ']' {
		return true
	}
	s.at++
	return false
}

// more moves past a comma, or past a closing bracket, and reports which.
func (s *scanner) more() bool {
	c := s.peek()
	s.at++
	return c == ','
}

// name moves to the value of a member and returns the name without its quotes.
func (s *scanner) name() []byte {
	s.peek()
	start := s.at + 1
	s.skipText()
	name := s.data[start : s.at-1]
	s.peek()
	s.at++ // the colon
	return name
}

// skip moves past a value and returns it.
func (s *scanner) skip() []byte {
	first := s.peek()
	start := s.at
	switch first {
	case '"':
		s.skipText()
	case '{', '[':
		s.skipBrackets()
	default:
		s.skipWord()
	}
	return s.data[start:s.at]
}

// skipWord moves past a number, true, false or null.
func (s *scanner) skipWord() {
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// skipText moves past a string.
func (s *scanner) skipText() {
	for s.at++; ; {
		rest := s.data[s.at:]
		quote := bytes.IndexByte(rest, '"')
		if quote < 0 { // not reached: the JSON is valid
			s.at = len(s.data)
			return
		}
		escape := bytes.IndexByte(rest[:quote], '\\')
		if escape < 0 {
			s.at += quote + 1
			return
		}
		s.at += escape + 2
	}
}

func (s *scanner) skipBrackets() {
	depth := 0
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			s.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return
		}
	}
}
