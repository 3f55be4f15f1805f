// Package wire holds what the client and the gateway of AimX share: frames and
// their JSON, connections that carry frames, method names, and the parameters
// and answers of methods.
//
// A frame is one JSON object: a line on a unix socket, a length of four bytes and
// that many bytes over TCP, a text message on a WebSocket. [Decoder.Decode] reports false for a malformed frame, which both sides skip
// silently. [FrameWriter] writes frames without escapes in the members that
// upstream refuses to read escaped; [IsPlain] says whether a text can stand there.
//
// A frame and the values in it point into the buffer of their connection and are
// valid until the next Receive. A FrameWriter reuses its buffer in the same way.
package wire
