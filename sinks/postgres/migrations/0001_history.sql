-- The history: one row a value. It is partitioned by the time of the write, in Unix
-- milliseconds. The writer makes partitions when it stores rows for them. Names
-- compare by bytes, whatever the collation of the database is.
CREATE TABLE record_history (
  id bigint NOT NULL,
  record_name text COLLATE "C" NOT NULL,
  value_json text NOT NULL,
  stored_at bigint NOT NULL
) PARTITION BY RANGE (stored_at);
CREATE INDEX idx_record_time ON record_history (record_name, stored_at DESC, id DESC);
CREATE INDEX idx_record_id ON record_history (record_name, id DESC);

-- Single values by name: schema_version, identity, timeline, partition_ms, last_prune,
-- trusted_time, recount.
CREATE TABLE aimdb_meta (key text PRIMARY KEY, value text NOT NULL);

-- What is stored of the log, and the ID of the next row. Both change with each batch.
CREATE TABLE aimdb_checkpoint (
  only_row smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  log text NOT NULL DEFAULT '',
  sequence bigint NOT NULL DEFAULT 0,
  message_time bigint NOT NULL DEFAULT 0,
  message_hash bigint NOT NULL DEFAULT 0,
  next_id bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 10);
INSERT INTO aimdb_checkpoint DEFAULT VALUES;

-- The rows and bytes of each record, and its last clock step: step_id and step_time are
-- of the first row after the clock was set back, last_time is the time of the row
-- stored last. Their columns are null if the clock was never set back.
CREATE TABLE aimdb_record (
  record_name text COLLATE "C" PRIMARY KEY,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  step_id bigint,
  step_time bigint,
  last_time bigint
) WITH (fillfactor = 50);

-- The ledger of losses. Unsigned numbers are stored as bigint with the same bits.
CREATE TABLE aimdb_loss (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  record_name text COLLATE "C" NOT NULL,
  cause text NOT NULL,
  run bigint NOT NULL,
  count bigint NOT NULL,
  from_seq bigint NOT NULL,
  to_seq bigint NOT NULL,
  first_time bigint NOT NULL,
  last_time bigint NOT NULL,
  noted_at bigint NOT NULL
);

-- Values that were refused for good. They may be no text, so they are bytes.
CREATE TABLE aimdb_dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log text NOT NULL,
  sequence bigint NOT NULL,
  run bigint NOT NULL,
  number bigint NOT NULL,
  record_name bytea NOT NULL,
  value_json bytea NOT NULL,
  stored_at bigint NOT NULL,
  reason text NOT NULL,
  noted_at bigint NOT NULL
);

-- Sweeps of retention: all rows up to last_id were stored by the time at.
CREATE TABLE aimdb_sweep (last_id bigint PRIMARY KEY, at bigint NOT NULL);

-- Other programs may change rows too. One that inserts a row without an ID gets the next
-- one, and holds the row of aimdb_checkpoint until its transaction ends: IDs become
-- visible in their order.
CREATE FUNCTION aimdb_next_id() RETURNS bigint LANGUAGE sql VOLATILE SET search_path FROM CURRENT
  AS 'UPDATE aimdb_checkpoint SET next_id = next_id + 1 RETURNING next_id - 1';
ALTER TABLE record_history ALTER COLUMN id SET DEFAULT aimdb_next_id();

-- What they change is not counted in aimdb_record, so all rows are to be counted again.
-- Sessions that count themselves have the setting aimdb.counts. The value is another one
-- each time, so that a count does not take away the mark of a later change.
CREATE FUNCTION aimdb_mark_recount() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO aimdb_meta (key, value) VALUES ('recount', txid_current()::text)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
  RETURN NULL;
END $$;
CREATE TRIGGER aimdb_recount AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON record_history
  FOR EACH STATEMENT WHEN (current_setting('aimdb.counts', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION aimdb_mark_recount();
