import { createHash } from 'node:crypto';
import type { JetStreamPublishOptions } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { BrokerEvent } from '@rondo/topics';

/**
 * The events of a topic are on as many subjects, and of each subject a group is called with one event at a time: in the order of the
 * stream, whichever process calls.
 */
export const PARTITIONS = 32;

/** The subject of the event's key is always the same. */
export function partitionOf({ key, id }: Pick<BrokerEvent, 'key' | 'id'>): number {
  const text = key === '' ? id : key;
  return createHash('sha256').update(text).digest().readUInt8(0) % PARTITIONS;
}

const [KEY, TRACE, TIME] = ['Rondo-Key', 'Rondo-Trace', 'Rondo-Time'];

/** How an event is published besides its bytes. */
export function optionsOf({ id, key, traceparent, time }: BrokerEvent): Partial<JetStreamPublishOptions> {
  const carried = headers();
  carried.set(KEY, encodeURIComponent(key)); // a header is one line
  carried.set(TRACE, traceparent);
  carried.set(TIME, time.toISOString());
  return { msgID: id, headers: carried };
}

/** The event of a message; undefined if that hasn't the headers of {@link optionsOf}, as they were written. */
export function eventOf(topic: string, message: Readable): BrokerEvent | undefined {
  try {
    const { data: event, headers: carried } = message;
    const text = (name: string) => carried?.get(name) ?? '';
    const [id, key, traceparent] = [text('Nats-Msg-Id'), decodeURIComponent(text(KEY)), text(TRACE)];
    const time = new Date(text(TIME));
    // A database takes no others, so the group would get it again for ever.
    if (!ID.test(id) || !(time.getTime() >= 0) || !TEXT.test(key) || !TEXT.test(traceparent)) return undefined;
    return { id, topic, event, key, traceparent, time };
  } catch {
    return undefined; // a header is no text of a key, or none of HTTP
  }
}

/** A message of the client, which reads its headers only now, and throws if they can't be read. */
type Readable = { readonly data: Uint8Array; readonly headers?: MsgHdrs | undefined };
const ID = /^[\x21-\x7e]{1,128}$/;
const TEXT = /^[^\0]{0,200}$/;
