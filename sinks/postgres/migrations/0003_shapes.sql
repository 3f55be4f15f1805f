-- The versions of the shapes of rows. From the row with first_id on, the rows of a record
-- have the version. Rows before the first entry of their record have version 0.
CREATE TABLE aimdb_shape (
  record_name text COLLATE "C",
  first_id bigint,
  version bigint NOT NULL,
  PRIMARY KEY (record_name, first_id)
);
ALTER TABLE aimdb_dead_letter ADD COLUMN shape bigint NOT NULL DEFAULT 0;

-- Rows of other programs have version 0. Their IDs are noted, if there are versions at
-- all, until the next transaction of this program turns them into entries of aimdb_shape.
CREATE TABLE aimdb_foreign (first_id bigint PRIMARY KEY, last_id bigint NOT NULL);
CREATE FUNCTION aimdb_note_foreign(n bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM aimdb_shape) THEN
    RETURN;
  END IF;
  UPDATE aimdb_foreign SET last_id = n WHERE last_id = n - 1;
  IF NOT FOUND THEN
    INSERT INTO aimdb_foreign VALUES (n, n);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION aimdb_next_id() RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $$
DECLARE n bigint;
BEGIN
  UPDATE aimdb_checkpoint SET next_id = next_id + 1 RETURNING next_id - 1 INTO n;
  PERFORM aimdb_note_foreign(n);
  RETURN n;
END $$;

-- Called in each transaction that stores rows, with the first row of each run of rows of
-- one record and shape, by record and ID.
CREATE FUNCTION aimdb_mark_shapes(names text[], ids bigint[], shapes bigint[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
