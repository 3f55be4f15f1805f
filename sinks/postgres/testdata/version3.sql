
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA aimdb;

CREATE FUNCTION aimdb.aimdb_mark_recount() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'aimdb'
    AS $$
BEGIN
  INSERT INTO aimdb_meta (key, value) VALUES ('recount', txid_current()::text)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
  RETURN NULL;
END $$;

CREATE FUNCTION aimdb.aimdb_mark_shapes(names text[], ids bigint[], shapes bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'aimdb'
    AS $$
DECLARE have bigint; start bigint;
BEGIN
  IF EXISTS (SELECT FROM aimdb_foreign) THEN
    INSERT INTO aimdb_shape SELECT s.record_name, m.id, 0
      FROM aimdb_foreign f CROSS JOIN (SELECT DISTINCT record_name FROM aimdb_shape) s
      CROSS JOIN LATERAL (SELECT min(h.id) AS id FROM record_history h WHERE h.record_name = s.record_name AND h.id BETWEEN f.first_id AND f.last_id) m
      WHERE m.id IS NOT NULL ON CONFLICT (record_name, first_id) DO UPDATE SET version = 0;
    DELETE FROM aimdb_foreign;
  END IF;
  IF NOT EXISTS (SELECT FROM aimdb_shape) AND 0 = ALL (shapes) THEN
    RETURN;
  END IF;
  FOR i IN 1 .. cardinality(names) LOOP
    have := (SELECT version FROM aimdb_shape WHERE record_name = names[i] AND first_id <= ids[i] ORDER BY first_id DESC LIMIT 1);
    IF coalesce(have, 0) <> shapes[i] THEN
      start := ids[i];
      IF have IS NULL AND NOT EXISTS (SELECT FROM record_history WHERE record_name = names[i] AND id < ids[i]) THEN
        start := 0;
      END IF;
      INSERT INTO aimdb_shape VALUES (names[i], start, shapes[i]) ON CONFLICT (record_name, first_id) DO UPDATE SET version = excluded.version;
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION aimdb.aimdb_next_id() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'aimdb'
    AS $$
DECLARE n bigint;
BEGIN
  UPDATE aimdb_checkpoint SET next_id = next_id + 1 RETURNING next_id - 1 INTO n;
  PERFORM aimdb_note_foreign(n);
  RETURN n;
END $$;

CREATE FUNCTION aimdb.aimdb_note_foreign(n bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'aimdb'
    AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM aimdb_shape) THEN
    RETURN;
  END IF;
  UPDATE aimdb_foreign SET last_id = n WHERE last_id = n - 1;
  IF NOT FOUND THEN
    INSERT INTO aimdb_foreign VALUES (n, n);
  END IF;
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE aimdb.aimdb_checkpoint (
    only_row smallint DEFAULT 1 NOT NULL,
    log text DEFAULT ''::text NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    message_time bigint DEFAULT 0 NOT NULL,
    message_hash bigint DEFAULT 0 NOT NULL,
    next_id bigint DEFAULT 1 NOT NULL,
    CONSTRAINT aimdb_checkpoint_only_row_check CHECK ((only_row = 1))
)
WITH (fillfactor='10');

CREATE TABLE aimdb.aimdb_dead_letter (
    id bigint NOT NULL,
    log text NOT NULL,
    sequence bigint NOT NULL,
    run bigint NOT NULL,
    number bigint NOT NULL,
    record_name bytea NOT NULL,
    value_json bytea NOT NULL,
    stored_at bigint NOT NULL,
    reason text NOT NULL,
    noted_at bigint NOT NULL,
    shape bigint DEFAULT 0 NOT NULL
);

ALTER TABLE aimdb.aimdb_dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aimdb.aimdb_dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE aimdb.aimdb_foreign (
    first_id bigint NOT NULL,
    last_id bigint NOT NULL
);

CREATE TABLE aimdb.aimdb_hole (
    id bigint NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    run bigint NOT NULL,
    from_number bigint NOT NULL,
    to_number bigint NOT NULL,
    "time" bigint NOT NULL,
    noted_at bigint NOT NULL
);

ALTER TABLE aimdb.aimdb_hole ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aimdb.aimdb_hole_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE aimdb.aimdb_loss (
    id bigint NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    cause text NOT NULL,
    run bigint NOT NULL,
    count bigint NOT NULL,
    from_seq bigint NOT NULL,
    to_seq bigint NOT NULL,
    first_time bigint NOT NULL,
    last_time bigint NOT NULL,
    noted_at bigint NOT NULL
);

ALTER TABLE aimdb.aimdb_loss ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aimdb.aimdb_loss_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE aimdb.aimdb_meta (
    key text NOT NULL,
    value text NOT NULL
);

CREATE TABLE aimdb.aimdb_record (
    record_name text NOT NULL COLLATE pg_catalog."C",
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    step_id bigint,
    step_time bigint,
    last_time bigint,
    run bigint,
    number bigint
)
WITH (fillfactor='50');

CREATE TABLE aimdb.aimdb_shape (
    record_name text NOT NULL COLLATE pg_catalog."C",
    first_id bigint NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE aimdb.aimdb_sweep (
    last_id bigint NOT NULL,
    at bigint NOT NULL
);

CREATE TABLE aimdb.record_history (
    id bigint DEFAULT aimdb.aimdb_next_id() NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    value_json text NOT NULL,
    stored_at bigint NOT NULL
)
PARTITION BY RANGE (stored_at);

CREATE TABLE aimdb.record_history_60480000000 (
    id bigint DEFAULT aimdb.aimdb_next_id() NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    value_json text NOT NULL,
    stored_at bigint NOT NULL
);

CREATE TABLE aimdb.record_history_61084800000 (
    id bigint DEFAULT aimdb.aimdb_next_id() NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    value_json text NOT NULL,
    stored_at bigint NOT NULL
);

CREATE TABLE aimdb.record_history_early (
    id bigint DEFAULT aimdb.aimdb_next_id() NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    value_json text NOT NULL,
    stored_at bigint NOT NULL
);

CREATE TABLE aimdb.record_history_late (
    id bigint DEFAULT aimdb.aimdb_next_id() NOT NULL,
    record_name text NOT NULL COLLATE pg_catalog."C",
    value_json text NOT NULL,
    stored_at bigint NOT NULL
);

ALTER TABLE ONLY aimdb.record_history ATTACH PARTITION aimdb.record_history_60480000000 FOR VALUES FROM ('60480000000') TO ('61084800000');

ALTER TABLE ONLY aimdb.record_history ATTACH PARTITION aimdb.record_history_61084800000 FOR VALUES FROM ('61084800000') TO ('61689600000');

ALTER TABLE ONLY aimdb.record_history ATTACH PARTITION aimdb.record_history_early FOR VALUES FROM (MINVALUE) TO ('0');

ALTER TABLE ONLY aimdb.record_history ATTACH PARTITION aimdb.record_history_late FOR VALUES FROM ('7257600000000') TO (MAXVALUE);

INSERT INTO aimdb.aimdb_checkpoint VALUES (1, 'log', 3, 0, 0, 4);

INSERT INTO aimdb.aimdb_dead_letter OVERRIDING SYSTEM VALUE VALUES (1, 'log', 3, 0, 0, '\x64', '\x78', 5, 'no JSON', 1795840119045, 0);

INSERT INTO aimdb.aimdb_meta VALUES ('identity', '6af0024b678c19ec49cd82d8c95b4f6e');
INSERT INTO aimdb.aimdb_meta VALUES ('partition_ms', '604800000');
INSERT INTO aimdb.aimdb_meta VALUES ('schema_version', '3');
INSERT INTO aimdb.aimdb_meta VALUES ('timeline', '7713074573942566493 00000001');

INSERT INTO aimdb.aimdb_record VALUES ('b', 1, 1, NULL, NULL, 60480000001, NULL, NULL);
INSERT INTO aimdb.aimdb_record VALUES ('a', 2, 2, NULL, NULL, 61084800000, 7, 1);

INSERT INTO aimdb.record_history_60480000000 VALUES (1, 'a', '1', 60480000000);
INSERT INTO aimdb.record_history_60480000000 VALUES (2, 'b', '2', 60480000001);

INSERT INTO aimdb.record_history_61084800000 VALUES (3, 'a', '3', 61084800000);

SELECT pg_catalog.setval('aimdb.aimdb_dead_letter_id_seq', 1, true);

SELECT pg_catalog.setval('aimdb.aimdb_hole_id_seq', 1, false);

SELECT pg_catalog.setval('aimdb.aimdb_loss_id_seq', 1, false);

ALTER TABLE ONLY aimdb.aimdb_checkpoint
    ADD CONSTRAINT aimdb_checkpoint_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY aimdb.aimdb_dead_letter
    ADD CONSTRAINT aimdb_dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY aimdb.aimdb_foreign
    ADD CONSTRAINT aimdb_foreign_pkey PRIMARY KEY (first_id);

ALTER TABLE ONLY aimdb.aimdb_hole
    ADD CONSTRAINT aimdb_hole_pkey PRIMARY KEY (id);

ALTER TABLE ONLY aimdb.aimdb_loss
    ADD CONSTRAINT aimdb_loss_pkey PRIMARY KEY (id);

ALTER TABLE ONLY aimdb.aimdb_meta
    ADD CONSTRAINT aimdb_meta_pkey PRIMARY KEY (key);

ALTER TABLE ONLY aimdb.aimdb_record
    ADD CONSTRAINT aimdb_record_pkey PRIMARY KEY (record_name);

ALTER TABLE ONLY aimdb.aimdb_shape
    ADD CONSTRAINT aimdb_shape_pkey PRIMARY KEY (record_name, first_id);

ALTER TABLE ONLY aimdb.aimdb_sweep
    ADD CONSTRAINT aimdb_sweep_pkey PRIMARY KEY (last_id);

CREATE INDEX idx_record_id ON ONLY aimdb.record_history USING btree (record_name, id DESC);

CREATE INDEX idx_record_time ON ONLY aimdb.record_history USING btree (record_name, stored_at DESC, id DESC);

CREATE INDEX record_history_60480000000_record_name_id_idx ON aimdb.record_history_60480000000 USING btree (record_name, id DESC);

CREATE INDEX record_history_60480000000_record_name_stored_at_id_idx ON aimdb.record_history_60480000000 USING btree (record_name, stored_at DESC, id DESC);

CREATE INDEX record_history_61084800000_record_name_id_idx ON aimdb.record_history_61084800000 USING btree (record_name, id DESC);

CREATE INDEX record_history_61084800000_record_name_stored_at_id_idx ON aimdb.record_history_61084800000 USING btree (record_name, stored_at DESC, id DESC);

CREATE INDEX record_history_early_record_name_id_idx ON aimdb.record_history_early USING btree (record_name, id DESC);

CREATE INDEX record_history_early_record_name_stored_at_id_idx ON aimdb.record_history_early USING btree (record_name, stored_at DESC, id DESC);

CREATE INDEX record_history_late_record_name_id_idx ON aimdb.record_history_late USING btree (record_name, id DESC);

CREATE INDEX record_history_late_record_name_stored_at_id_idx ON aimdb.record_history_late USING btree (record_name, stored_at DESC, id DESC);

ALTER INDEX aimdb.idx_record_id ATTACH PARTITION aimdb.record_history_60480000000_record_name_id_idx;

ALTER INDEX aimdb.idx_record_time ATTACH PARTITION aimdb.record_history_60480000000_record_name_stored_at_id_idx;

ALTER INDEX aimdb.idx_record_id ATTACH PARTITION aimdb.record_history_61084800000_record_name_id_idx;

ALTER INDEX aimdb.idx_record_time ATTACH PARTITION aimdb.record_history_61084800000_record_name_stored_at_id_idx;

ALTER INDEX aimdb.idx_record_id ATTACH PARTITION aimdb.record_history_early_record_name_id_idx;

ALTER INDEX aimdb.idx_record_time ATTACH PARTITION aimdb.record_history_early_record_name_stored_at_id_idx;

ALTER INDEX aimdb.idx_record_id ATTACH PARTITION aimdb.record_history_late_record_name_id_idx;

ALTER INDEX aimdb.idx_record_time ATTACH PARTITION aimdb.record_history_late_record_name_stored_at_id_idx;

CREATE TRIGGER aimdb_recount AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON aimdb.record_history FOR EACH STATEMENT WHEN ((current_setting('aimdb.counts'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION aimdb.aimdb_mark_recount();

