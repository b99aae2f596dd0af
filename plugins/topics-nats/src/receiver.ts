import { setMaxListeners } from 'node:events';
import {
  type Consumer,
  type ConsumerMessages,
  JetStreamApiError,
  type JetStreamClient,
  type JsMsg,
} from '@nats-io/jetstream';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { Broker } from '@rondo/topics';
import { eventOf } from './event.js';

type Receiving = Parameters<Broker['receive']>[1];

interface ReceiverOptions extends Receiving {
  readonly topic: string;
  readonly stream: string;
  /** One for each partition. */
  readonly consumers: readonly string[];
  readonly client: () => Promise<JetStreamClient>;
  readonly clock: Clock;
}

/** For how long a process that gives no sign of life has an event for itself. */
export const ACK_WAIT_MS = 30_000;
const AGAIN_MS = 1_000;
/** The codes of what is missing. */
export const [NO_CONSUMER, NO_STREAM] = [10_014, 10_059];
/** A pull that NATS has forgotten is made again after this time. */
const PULL = { max_messages: 1, expires: 30_000 };

/** Pulls the events of each partition, one at a time. */
export function createReceiver({
  topic,
  stream,
  consumers,
  client,
  take,
  onLost,
  onUnreadable,
  clock,
}: ReceiverOptions): ReturnType<Broker['receive']> {
  const closing = new AbortController();
  const { signal } = closing;
  setMaxListeners(0, signal); // each partition listens
  const open = new Set<ConsumerMessages>();
  const give = async (message: JsMsg) => {
    const event = eventOf(topic, message);
    if (event === undefined) {
      onUnreadable(message.subject);
      return message.term('it was published by no service of Rondo');
    }
    const alive = setInterval(() => message.working(), ACK_WAIT_MS / 3);
    try {
      await take(event, signal);
      message.ack(); // if it is lost, the event is taken again, with its key
    } catch {
      message.nak(signal.aborted ? 0 : AGAIN_MS);
    } finally {
      clearInterval(alive);
    }
  };
  /** The client repeats a pull as long as its loop runs, so an event is taken after it. */
  const next = async (consumer: Consumer): Promise<JsMsg | undefined> => {
    const messages = await consumer.fetch(PULL);
    open.add(messages);
    if (signal.aborted) void messages.close(); // it ends the loop, and waits for that
    let found: JsMsg | undefined;
    try {
      for await (const message of messages) found = message;
    } finally {
      open.delete(messages);
    }
    return found;
  };
  const pull = async (name: string) => {
    const consumer = await (await client()).consumers.get(stream, name);
    while (!signal.aborted) {
      const message = await next(consumer);
      if (message !== undefined) await give(message);
    }
  };
  const serve = async (consumer: string) => {
    while (!signal.aborted) {
      const error = await pull(consumer).catch((error: unknown) => error); // NATS is away, which the relay logs
      await sleep(clock, AGAIN_MS, signal).catch(() => undefined); // so long it takes to see that the group was removed
      if (!signal.aborted && (hasCode(error, NO_CONSUMER) || hasCode(error, NO_STREAM))) onLost();
    }
  };
  const serving = consumers.map(serve);
  return {
    async close() {
      closing.abort(new Error('the process stops'));
      await Promise.all([...open].map((messages) => messages.close()));
      await Promise.all(serving);
    },
  };
}

/** Whether NATS has refused a request for this reason. */
export const hasCode = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;
