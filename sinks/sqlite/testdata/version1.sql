-- A history as the program wrote it at schema version 1: five values, a loss, a
-- dead letter, and a sweep that took one row. It is the output of .dump.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
INSERT INTO record_history VALUES(1,'temp::oslo','{"celsius":2}',2);
INSERT INTO record_history VALUES(2,'temp::oslo','{"celsius":5}',5);
INSERT INTO record_history VALUES(4,'temp::vienna','{"celsius":3}',3);
INSERT INTO record_history VALUES(5,'temp::vienna','{"celsius":4}',4);
CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_meta VALUES('clean','1');
INSERT INTO aimdb_meta VALUES('count_until','0');
INSERT INTO aimdb_meta VALUES('counted_to','0');
INSERT INTO aimdb_meta VALUES('cursor_key','e2be09d2c5ff57112ad04f13321da352226819b47153f7199eea1c2cd49d2973');
INSERT INTO aimdb_meta VALUES('identity','b0526a909662afa15ff42dbd24b86eb0');
INSERT INTO aimdb_meta VALUES('last_prune','1795440665217');
INSERT INTO aimdb_meta VALUES('schema_version','1');
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL);
INSERT INTO aimdb_checkpoint VALUES(1,'log',5);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
INSERT INTO aimdb_loss VALUES(1,'temp::oslo','sink_refused',1,0,0,2,2,1795440665212);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL);
INSERT INTO aimdb_dead_letter VALUES(1,'log',5,'temp::oslo','{',5,'broken',1795440665212);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_record VALUES('temp::oslo',2,26);
INSERT INTO aimdb_record VALUES('temp::vienna',2,26);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record','2 1');
INSERT INTO sqlite_stat1 VALUES('record_history','idx_record_time','4 2 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_meta','aimdb_meta','7 1');
ANALYZE sqlite_schema;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('record_history',5);
INSERT INTO sqlite_sequence VALUES('aimdb_dead_letter',1);
INSERT INTO sqlite_sequence VALUES('aimdb_loss',1);
CREATE INDEX idx_record_time ON record_history(record_name, stored_at DESC);
COMMIT;
