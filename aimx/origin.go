package aimx

import (
	"encoding/json"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Origin is the source of the values of a record. On the wire it is a word or an
// object with one member.
type Origin struct {
	// Kind is "source", "passive", "link", "transform" or "transform_join".
	Kind string
	// Inputs are the keys of the records that a transform reads.
	Inputs []string
	// Protocol and Address are set for a link.
	Protocol, Address string
}

type (
	originLink struct {
		Protocol string `json:"protocol"`
		Address  string `json:"address"`
	}
	originInput struct {
		Input string `json:"input"`
	}
	originInputs struct {
		Inputs []string `json:"inputs"`
	}
	originObject struct {
		Link      *originLink   `json:"link,omitempty"`
		Transform *originInput  `json:"transform,omitempty"`
		Join      *originInputs `json:"transform_join,omitempty"`
	}
)

// MarshalJSON implements json.Marshaler.
func (o Origin) MarshalJSON() ([]byte, error) {
	switch o.Kind {
	case "link":
		return json.Marshal(originObject{Link: &originLink{o.Protocol, o.Address}})
	case "transform":
		if len(o.Inputs) == 1 {
			return json.Marshal(originObject{Transform: &originInput{o.Inputs[0]}})
		}
		return json.Marshal(originObject{Join: &originInputs{o.Inputs}})
	case "transform_join":
		return json.Marshal(originObject{Join: &originInputs{o.Inputs}})
	}
	return json.Marshal(o.Kind)
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Origin) UnmarshalJSON(data []byte) error {
	if wire.IsString(data) {
		return json.Unmarshal(data, &o.Kind)
	}
	var object originObject
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	switch {
	case object.Link != nil:
		*o = Origin{Kind: "link", Protocol: object.Link.Protocol, Address: object.Link.Address}
	case object.Transform != nil:
		*o = Origin{Kind: "transform", Inputs: []string{object.Transform.Input}}
	case object.Join != nil:
		*o = Origin{Kind: "transform_join", Inputs: object.Join.Inputs}
	default:
		return fmt.Errorf("unknown origin %s", data)
	}
	return nil
}
