import { createHash } from 'node:crypto';
import type { JetStreamPublishOptions } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { BrokerEvent } from './interface.js';

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

/** How an event is published beside its bytes. */
export function optionsOf({ id, key, traceparent, time }: BrokerEvent): Partial<JetStreamPublishOptions> {
  const carried = headers();
  carried.set(KEY, encodeURIComponent(key)); // a header is one line
  carried.set(TRACE, traceparent);
  carried.set(TIME, time.toISOString());
  return { msgID: id, headers: carried };
}

/** The event of a message; undefined if that has no headers of {@link optionsOf}. */
export function eventOf(topic: string, data: Uint8Array, carried: MsgHdrs | undefined): BrokerEvent | undefined {
  const text = (name: string) => carried?.get(name) ?? '';
  const [id, time] = [text('Nats-Msg-Id'), new Date(text(TIME))];
  if (id === '' || Number.isNaN(time.getTime())) return undefined;
  return { id, topic, event: data, key: decodeURIComponent(text(KEY)), traceparent: text(TRACE), time };
}
