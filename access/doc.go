// Package access says who may do what with the records of a database: tokens and users,
// and the patterns of the records that each may read and set.
//
// A [List] holds them for every way in and out of one database, so that a reload with
// [List.Replace] changes them everywhere at once. Somebody who presents a token or a name
// and password gets [Grants]. What a token or a user grants opens no record that is
// registered without Remote or Writable.
//
// An empty list is open: everybody may do everything.
//
// A List compares tokens in constant time. It compares a password with bcrypt, which takes
// long on purpose, and remembers a keyed hash of one that was right: bcrypt runs once for
// each user, and again for each wrong password. Two run at a time, so that guesses do not
// take all processors. An unknown name takes as long as a wrong password.
//
// Grants that Replace removed or changed are revoked: a session that was admitted with
// them ends. Those that did not change stay the same.
package access
