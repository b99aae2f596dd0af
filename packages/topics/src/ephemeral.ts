import type { Meter } from '@opentelemetry/api';
import { encodedCall } from '@rondo/jobs/internal';
import { type Logger, runOutsideScope } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { bindingOf, type ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { subscriptionsOf } from './subscriber.js';
import { type EventOf, encodeEvent, notNamed, requireOwn, type TopicType, topicOf } from './topic.js';

/** Options of the ephemeral topics that a service publishes. */
export interface EphemeralTopicsOptions {
  /** The topics that it publishes: generated messages with `(rondo.options.v1.topic)` and no retention. */
  readonly topics: readonly TopicType[];
  /** The service's own contracts; the service of each topic is one of them. */
  readonly services: readonly Pick<ServiceDefinition, 'fullName'>[];
  /** The contracts whose methods subscribe. Each topic has one at least. */
  readonly subscribers: readonly ServiceDefinition[];
  /** Reaches the subscribers. */
  readonly channel: Channel;
  readonly log: Logger;
  readonly meter?: Meter | undefined;
}

/** The ephemeral topics that a service publishes. */
export interface EphemeralTopics {
  /**
   * Calls each instance that is registered as serving and whose contract subscribes, at most once and in no order. It waits for no call:
   * what an instance doesn't take is counted and lost.
   *
   * @throws TypeError if the topic is none of this service, or the event is too large or violates a rule of its contract.
   */
  publish<T extends TopicType>(topic: T, event: EventOf<T>): Promise<void>;
}

/** How many calls an instance has at once from a process. An instance that is slow loses events, and no other does. */
const MOST_IN_FLIGHT = 64;
const LOG_EVERY_MS = 60_000;

/**
 * Creates the ephemeral topics that a service publishes. It needs no database.
 *
 * @throws TypeError that names the topic and the remedy, if this service can't publish it.
 */
export function createEphemeralTopics(options: EphemeralTopicsOptions): EphemeralTopics {
  const { topics, services, subscribers, channel } = options;
  const subscriptions = subscribers.flatMap(subscriptionsOf);
  const subscribed = new Map(
    topics.map((topic) => {
      requireOwn(topic, services);
      const methods = subscriptions.filter((one) => one.topic.$type === topic.$type);
      requireEphemeral(topic, methods.length > 0);
      return [topic.$type, methods.map((one) => subscriberOf(encodedCall(one, channel)))] as const;
    }),
  );
  const lost = countLost(options);
  const inFlight = new Map<string, number>();
  const deliver = async (call: EncodedCall, { topic, instance, event }: Delivery): Promise<void> => {
    const running = inFlight.get(instance) ?? 0;
    if (running >= MOST_IN_FLIGHT) return lost({ topic, instance, reason: 'IN_FLIGHT' });
    inFlight.set(instance, running + 1);
    try {
      await call(event, { instance });
    } catch (err) {
      lost({ topic, instance, reason: err instanceof RpcError ? err.codeName : 'UNKNOWN', err });
    }
    const left = (inFlight.get(instance) ?? 1) - 1;
    if (left > 0) inFlight.set(instance, left);
    else inFlight.delete(instance);
  };
  return {
    async publish(type, partial) {
      const known = subscribed.get(type.$type);
      if (known === undefined) throw notNamed(type, 'createEphemeralTopics');
      const { event } = await encodeEvent(type, partial);
      for (const { call, fleet } of known)
        for (const instance of fleet.serving())
          void runOutsideScope(() => deliver(call, { topic: type.$type, instance, event }));
    },
  };
}

type EncodedCall = ReturnType<typeof encodedCall>;

interface Delivery {
  readonly topic: string;
  readonly instance: string;
  readonly event: Uint8Array;
}

function requireEphemeral(topic: TopicType, isSubscribed: boolean): void {
  if (topicOf(topic).retentionMs !== undefined)
    throw new TypeError(
      `${topic.$type} has a retention, so that its events are stored: publish it by createTopics, with a database, or leave the retention out`,
    );
  if (!isSubscribed)
    throw new TypeError(
      `${topic.$type} is ephemeral, and no contract in \`subscribers\` has a method that subscribes to it: name those of its subscribers there`,
    );
}

/** Looks the instances up from now on, so that the first event finds them. */
function subscriberOf(call: EncodedCall) {
  const { method, channel } = bindingOf(call);
  return { call, fleet: channel.fleet(method) };
}

/** Counts what isn't taken, and logs it once a minute. */
function countLost({ meter, log, channel: { clock } }: EphemeralTopicsOptions) {
  const counter = meter?.createCounter('rondo.topics.lost', {
    unit: '{event}',
    description: 'The events of ephemeral topics that instances did not take, by topic and reason.',
  });
  let loggedAt = -Infinity;
  return ({ topic, reason, ...rest }: Lost): void => {
    counter?.add(1, { 'rondo.topic': topic, 'rondo.reason': reason });
    if (clock.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = clock.now();
    log.warn(
      { topic, reason, ...rest },
      'an instance did not take an event, which is lost: rondo.topics.lost counts them, and the log has at most one a minute',
    );
  };
}

interface Lost extends Pick<Delivery, 'topic' | 'instance'> {
  /** The status of the call, or `IN_FLIGHT` if there was none because too many were under way. */
  readonly reason: string;
  readonly err?: unknown;
}
