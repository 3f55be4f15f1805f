package aimdb

import (
	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// likeV1 makes the decoder read what encoding/json reads, in the way it does.
// Only its errors are worded in their own way, because the old wording takes a
// third of the time, and nobody decides by it.
var likeV1 = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false))

// unmarshal is encoding/json's in a third of the time: decoding is the larger
// part of a scan of typed rows.
func unmarshal(value []byte, to any) error { return json.Unmarshal(value, to, likeV1) }
