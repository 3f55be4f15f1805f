package wire

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimdb-go/aimdb/history"
)

// PageAnswer is the answer to history.page.
type PageAnswer struct {
	history.Page
	LeftOut int
}

// DecodePage decodes an answer to history.page in one pass, without a copy of its values:
// they point into data. A page has thousands of rows, for which encoding/json takes longer
// than all else between a query and its answer.
func DecodePage(data []byte) (PageAnswer, error) {
	d := pageDecoder{data: data, json: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	d.page.Rows = make([]history.Row, 0, min(len(data)/64, 10_000))
	if err := d.object(d.member); err != nil {
		return PageAnswer{}, err
	}
	if _, err := d.json.ReadToken(); err != io.EOF {
		return PageAnswer{}, fmt.Errorf("there is more after the page: %w", err)
	}
	return d.page, nil
}

// pageDecoder fills a page.
type pageDecoder struct {
	data []byte
	json *jsontext.Decoder
	page PageAnswer
	row  history.Row // that is read
	last string      // the record of the row before, which is often that of the next one
}

// object reads an object. member reads the value of a member.
func (d *pageDecoder) object(member func(name []byte) error) error {
	if err := d.token('{'); err != nil {
		return err
	}
	for d.json.PeekKind() == '"' {
		name, err := d.value()
		if err != nil {
			return err
		}
		if err := member(Unquote(name)); err != nil {
			return err
		}
	}
	return d.token('}')
}

// token reads the begin or the end of an object or an array.
func (d *pageDecoder) token(want jsontext.Kind) error {
	t, err := d.json.ReadToken()
	if err == nil && t.Kind() != want {
		err = fmt.Errorf("%s in place of %s at byte %d", t.Kind(), want, d.json.InputOffset())
	}
	return err
}

// value returns the next value as a part of data.
func (d *pageDecoder) value() ([]byte, error) {
	v, err := d.json.ReadValue()
	end := int(d.json.InputOffset())
	return d.data[end-len(v) : end : end], err
}

// member reads a member of the page.
func (d *pageDecoder) member(name []byte) (err error) {
	switch string(name) {
	case "rows":
		return d.rows()
	case "left_out":
		d.page.LeftOut, err = number[int](d)
		return err
	case "max_id":
		d.page.MaxID, err = number[int64](d)
		return err
	case "next":
		return d.text(&d.page.Next)
	}
	_, err = d.value()
	return err
}

func (d *pageDecoder) rows() error {
	if d.json.PeekKind() == 'n' {
		_, err := d.value()
		return err
	}
	if err := d.token('['); err != nil {
		return err
	}
	member := d.rowMember
	for d.json.PeekKind() == '{' {
		d.row = history.Row{}
		if err := d.object(member); err != nil {
			return fmt.Errorf("row %d: %w", len(d.page.Rows)+1, err)
		}
		d.page.Rows, d.last = append(d.page.Rows, d.row), d.row.Record
	}
	return d.token(']')
}

// rowMember reads a member of a row.
func (d *pageDecoder) rowMember(name []byte) (err error) {
	switch string(name) {
	case "record":
		return d.text(&d.row.Record)
	case "time":
		d.row.Time, err = number[int64](d)
		return err
	case "shape":
		d.row.Shape, err = number[int](d)
		return err
	case "value":
		d.row.Value, err = d.value()
		return err
	}
	_, err = d.value()
	return err
}

// text reads a string.
func (d *pageDecoder) text(to *string) error {
	v, err := d.value()
	switch {
	case err != nil || IsNull(v):
		return err
	case !IsString(v):
		return fmt.Errorf("%.40s is not a string", v)
	}
	if text := Unquote(v); string(text) == d.last {
		*to = d.last
	} else {
		*to = string(text)
	}
	return nil
}

// number reads a whole number.
func number[N int | int64](d *pageDecoder) (N, error) {
	v, err := d.value()
	if err != nil || IsNull(v) {
		return 0, err
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || int64(N(n)) != n {
		return 0, fmt.Errorf("%.40s is not a whole number of 64 bits", v)
	}
	return N(n), nil
}
