-- A history as the program wrote it at schema version 3: three records, the clock of one
-- of which was set back and the rows of one of which are pruned, an imported row, a loss,
-- and a checkpoint with a fingerprint. It is the output of .dump.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
INSERT INTO record_history VALUES(1,'back','3',2000);
INSERT INTO record_history VALUES(2,'back','4',50);
INSERT INTO record_history VALUES(4,'steady','1',100);
INSERT INTO record_history VALUES(5,'steady','2',110);
INSERT INTO record_history VALUES(6,'steady','"imported"',90);
INSERT INTO record_history VALUES(7,'steady','6',130);
CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_meta VALUES('clean','1');
INSERT INTO aimdb_meta VALUES('counted_last','7');
INSERT INTO aimdb_meta VALUES('identity','07b47ffe8b7b4186b150807d2694db00');
INSERT INTO aimdb_meta VALUES('last_prune','1795798032399');
INSERT INTO aimdb_meta VALUES('schema_version','3');
INSERT INTO aimdb_meta VALUES('trusted_time','1795595191247');
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL, message_time INTEGER NOT NULL DEFAULT 0, message_hash INTEGER NOT NULL DEFAULT 0);
INSERT INTO aimdb_checkpoint VALUES(1,'log',6,1795595191248000000,-9223372036854775800);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
INSERT INTO aimdb_loss VALUES(1,'steady','ring_overrun',2,3,4,110,120,1795798032395);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, step_id INTEGER, step_time INTEGER, last_time INTEGER) WITHOUT ROWID;
INSERT INTO aimdb_record VALUES('back',2,2,2,50,50);
INSERT INTO aimdb_record VALUES('pruned',0,0,NULL,NULL,5);
INSERT INTO aimdb_record VALUES('steady',4,13,NULL,NULL,130);
CREATE TABLE aimdb_sweep (last_id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
INSERT INTO aimdb_sweep VALUES(6,1795595191247);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record_step','1 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record','3 1');
INSERT INTO sqlite_stat1 VALUES('record_history','idx_record_time','6 3 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_meta','aimdb_meta','6 1');
ANALYZE sqlite_schema;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('record_history',7);
INSERT INTO sqlite_sequence VALUES('aimdb_loss',1);
CREATE INDEX idx_record_time ON record_history(record_name, stored_at DESC);
CREATE INDEX aimdb_record_step ON aimdb_record(step_id) WHERE step_id IS NOT NULL;
COMMIT;
