package parquet

import (
	"encoding/json"
	"fmt"

	pq "github.com/parquet-go/parquet-go"
)

// The versions of the shapes of rows are in the metadata of a file and not in a column:
// tools that read many files as one table want the same columns in each. Files whose rows
// all have version 0 have no such metadata.
const shapesKey = "aimdb.shapes"

// shapeRun is a row from which on the rows of a file have a version. The first is 0.
type shapeRun struct {
	Row   int64 `json:"row"`
	Shape int   `json:"shape"`
}

// noteShape notes the version of the row that is written next.
func (w *Writer) noteShape(shape int) {
	last := 0
	if n := len(w.shapes); n > 0 {
		last = w.shapes[n-1].Shape
	}
	if shape != last {
		w.shapes = append(w.shapes, shapeRun{w.rows, shape})
	}
}

// keepShapes puts the versions into the metadata.
func (w *Writer) keepShapes() error {
	if len(w.shapes) == 0 {
		return nil
	}
	text, err := json.Marshal(w.shapes)
	if err == nil {
		w.out.SetKeyValueMetadata(shapesKey, string(text))
	}
	return err
}

// shapesOf reads the versions of a file.
func shapesOf(in *pq.File) (runs []shapeRun, err error) {
	text, has := in.Lookup(shapesKey)
	if !has {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &runs); err != nil {
		return nil, fmt.Errorf("its metadata %s cannot be read: %w", shapesKey, err)
	}
	return runs, nil
}
