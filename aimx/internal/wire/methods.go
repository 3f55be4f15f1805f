package wire

// The methods of AimX 3.0.
const (
	MethodHello         = "hello"
	MethodRecordList    = "record.list"
	MethodRecordGet     = "record.get"
	MethodRecordSet     = "record.set"
	MethodRecordDrain   = "record.drain"
	MethodRecordQuery   = "record.query"
	MethodGraphNodes    = "graph.nodes"
	MethodGraphEdges    = "graph.edges"
	MethodGraphOrder    = "graph.topo_order"
	MethodResetProfiles = "profiling.reset"
	MethodResetMetrics  = "buffer_metrics.reset"
)

// The methods of this project's extension.
const (
	MethodRecordCheck    = "record.check"
	MethodHistoryStats   = "history.stats"
	MethodHistoryPage    = "history.page"
	MethodHistoryBuckets = "history.buckets"
	MethodHistoryVerify  = "history.verify"
	MethodHistoryMigrate = "history.migrate"
	MethodSinkList       = "sink.list"
	MethodIngestRefused  = "ingest.refused"
	MethodStats          = "stats"
	MethodLossList       = "loss.list"
	MethodLetterList     = "deadletter.list"
	MethodLetterRetry    = "deadletter.retry"
	MethodHistoryUsage   = "history.usage"
	MethodRetentionList  = "retention.list"
	MethodRetentionTry   = "retention.try"
)
