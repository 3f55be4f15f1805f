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
