// Package consume adds the prompts of a stream to an index: a Kafka topic or a
// NATS JetStream stream.
//
// [Open] makes a [Stream] of a URL, [Stream.Run] reads it until its context is
// done:
//
//	ix, err := index.Open("chorus.db", nil)
//	s, err := consume.Open(ix, "kafka://broker:9092/prompts?group=chorus", nil)
//	err = s.Run(ctx)
//
// A record is acknowledged to the broker when its prompts are durable in the
// index and not before: a process that dies at any moment loses none. What was
// durable but not yet acknowledged comes again and is not counted again, as a
// prompt without an id gets one from its record's place and time in the stream.
// So each prompt counts once, however often its record is delivered, as long as
// the same index takes it.
//
// A record's value is what [promptlog.Decoder.DecodeText] takes: a JSON object of any
// format that promptlog knows, an array of them, or several lines. What is no
// prompt is a dead letter: counted under its reason, kept where
// [Options.DeadLetters] or the URL says, acknowledged.
//
// The index sets the pace: a bounded number of records are on their way, and no
// more are asked for while it is behind.
//
//	kafka://[USER@]HOST[:9092][,HOST…]/TOPIC[,TOPIC…]?…
//	  group=chorus          the consumer group; its committed offsets say where to go on
//	  instance=NAME         a member of its own name: it goes on at once after a restart, where others
//	                        wait 45 s for one that was killed
//	  start=earliest        or latest: where a group begins that has committed nothing
//	  sasl=plain            or scram-sha-256, scram-sha-512; for USER
//	  dead_letters=TOPIC    gets what is no prompt
//	nats://[USER@]HOST[:4222][,HOST…]/STREAM?…
//	  durable=chorus        the consumer, made if it does not exist; the server keeps its state
//	  subject=S[,S…]        only messages of these subjects
//	  start=all             or new: where a consumer begins that is made now
//	  ack_wait=1m           after this time the server delivers again; for a consumer that is made now
//	  creds=FILE, nkey=FILE credentials of a user, or a seed
//	  dead_letters=SUBJECT  gets what is no prompt; a stream must hold it
//	both
//	  format=auto, map=FILE as chorus load has them
//	  account=key           who sends what does not say so: a Kafka record's key, header:NAME, or
//	                        subject:N, the Nth part of a NATS subject
//	  tls=true, ca=FILE, cert=FILE, key=FILE
//	  password_file=FILE    of USER; without it CHORUS_KAFKA_PASSWORD or CHORUS_NATS_PASSWORD
//	  token_file=FILE       NATS: a token; without it and USER CHORUS_NATS_TOKEN
//
// A password in a URL is refused: anyone on the machine could read it.
//
// Before version 1 names may still change; NEWS.md says when one does.
package consume
