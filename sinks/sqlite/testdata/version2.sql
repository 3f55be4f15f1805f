-- A history as the program wrote it at schema version 2: four records, the clocks
-- of three of which were set back, an imported row, a sweep, and rows of another
-- program that are not counted yet. It is the output of .dump.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
INSERT INTO record_history VALUES(1,'steady','1',100);
INSERT INTO record_history VALUES(2,'steady','2',110);
INSERT INTO record_history VALUES(3,'steady','3',120);
INSERT INTO record_history VALUES(4,'behind','4',2000);
INSERT INTO record_history VALUES(5,'behind','5',2010);
INSERT INTO record_history VALUES(6,'behind','6',50);
INSERT INTO record_history VALUES(7,'behind','7',60);
INSERT INTO record_history VALUES(8,'caught::up','8',300);
INSERT INTO record_history VALUES(9,'caught::up','9',290);
INSERT INTO record_history VALUES(10,'caught::up','10',310);
INSERT INTO record_history VALUES(13,'behind','"imported"',2500);
INSERT INTO record_history VALUES(14,'of::others','1',1);
INSERT INTO record_history VALUES(15,'of::others','2',2);
INSERT INTO record_history VALUES(1113,'of::others','1100',1100);
INSERT INTO record_history VALUES(1114,'steady','13',130);
CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_meta VALUES('clean','1');
INSERT INTO aimdb_meta VALUES('count_until','1113');
INSERT INTO aimdb_meta VALUES('counted_last','1114');
INSERT INTO aimdb_meta VALUES('counted_to','13');
INSERT INTO aimdb_meta VALUES('cursor_key','caf9f43c0add666844624588078bd0280a7185f21e6a374802935bccb517d87c');
INSERT INTO aimdb_meta VALUES('identity','d3f91099ad06bb451a5dab65c3a665dc');
INSERT INTO aimdb_meta VALUES('last_prune','1795595191247');
INSERT INTO aimdb_meta VALUES('schema_version','2');
INSERT INTO aimdb_meta VALUES('turn:behind','6 50 60');
INSERT INTO aimdb_meta VALUES('turn:caught::up','9 290 9223372036854775807');
INSERT INTO aimdb_meta VALUES('turn:pruned','12 5 5');
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL);
INSERT INTO aimdb_checkpoint VALUES(1,'log',13);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_record VALUES('behind',5,14);
INSERT INTO aimdb_record VALUES('caught::up',3,4);
INSERT INTO aimdb_record VALUES('pruned',0,0);
INSERT INTO aimdb_record VALUES('steady',4,5);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record','4 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_meta','aimdb_meta','11 1');
INSERT INTO sqlite_stat1 VALUES('record_history','idx_record_time','1112 278 1');
ANALYZE sqlite_schema;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('record_history',1114);
CREATE INDEX idx_record_time ON record_history(record_name, stored_at DESC);
COMMIT;
