package bus

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// difference is a setting of a stream that is not as the log needs it.
type difference struct {
	setting    string
	have, want any
}

// String says what the setting is and what it must be.
func (d difference) String() string {
	return fmt.Sprintf("%s: have %v, want %v", d.setting, d.have, d.want)
}

// differences returns the settings of a stream that are not those wanted, under the
// names that they have in the API of JetStream.
func differences(have, want jetstream.StreamConfig, c Config) (all []difference) {
	compare := func(setting string, have, want any) {
		if !reflect.DeepEqual(have, want) {
			all = append(all, difference{setting, have, want})
		}
	}
	compare("subjects", sorted(have.Subjects), sorted(want.Subjects))
	compare("storage", have.Storage, want.Storage)
	if c.Replicas > 0 {
		compare("num_replicas", have.Replicas, want.Replicas)
	}
	if c.Placement != nil {
		compare("placement", placement(have.Placement), placement(want.Placement))
	}
	compare("retention", have.Retention, want.Retention)
	compare("discard", have.Discard, want.Discard)
	compare("max_age", have.MaxAge, want.MaxAge)
	compare("max_bytes", have.MaxBytes, want.MaxBytes)
	compare("max_msgs", unlimited(have.MaxMsgs), unlimited(want.MaxMsgs))
	compare("max_msgs_per_subject", unlimited(have.MaxMsgsPerSubject), unlimited(want.MaxMsgsPerSubject))
	compare("max_msg_size", have.MaxMsgSize, want.MaxMsgSize)
	compare("duplicate_window", have.Duplicates, want.Duplicates)
	compare("allow_direct", have.AllowDirect, want.AllowDirect)
	compare("allow_atomic", have.AllowAtomicPublish, want.AllowAtomicPublish)
	compare("allow_batched", have.AllowBatchPublish, want.AllowBatchPublish)
	compare("allow_msg_ttl", have.AllowMsgTTL, want.AllowMsgTTL)
	compare("allow_msg_counter", have.AllowMsgCounter, want.AllowMsgCounter)
	compare("allow_rollup_hdrs", have.AllowRollup, want.AllowRollup)
	compare("deny_delete", have.DenyDelete, want.DenyDelete)
	compare("sealed", have.Sealed, want.Sealed)
	compare("no_ack", have.NoAck, want.NoAck)
	compare("mirror", have.Mirror != nil, want.Mirror != nil)
	compare("sources", len(have.Sources), len(want.Sources))
	compare("subject_transform", have.SubjectTransform != nil, want.SubjectTransform != nil)
	return all
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// unlimited makes the two ways to give no limit one.
func unlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// placement makes the ways to give no tags one.
func placement(p *jetstream.Placement) string {
	if p == nil {
		return "anywhere"
	}
	return fmt.Sprintf("cluster %q, tags %q", p.Cluster, sorted(p.Tags))
}
