import type { Meter } from '@opentelemetry/api';
import { encodedCall } from '@rondo/jobs/internal';
import { type Logger, runOutsideScope } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { bindingOf, type ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { type Delivery, Outlet } from './outlet.js';
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
   * what an instance doesn't take is counted and lost. Of a topic that keeps the latest event of each key, that one waits for a slow
   * instance, and the events of a key that it takes have their order.
   *
   * @throws TypeError if the topic is none of this service, or the event is too large or violates a rule of its contract.
   */
  publish<T extends TopicType>(topic: T, event: EventOf<T>): Promise<void>;
}

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
  const { lost, replaced } = countersOf(options);
  const outlets = new Map<string, Outlet>();
  const run = async (delivery: Delivery, outlet: Outlet): Promise<void> => {
    const { topic, instance, event, call } = delivery;
    try {
      await call(event, { instance });
    } catch (err) {
      lost({ topic, instance, reason: err instanceof RpcError ? err.codeName : 'UNKNOWN', err });
    }
    const next = outlet.end(delivery);
    if (next !== undefined) void run(next, outlet);
    else if (outlet.isIdle) outlets.delete(instance);
  };
  const deliver = (delivery: Delivery): void => {
    const { topic, instance, lane } = delivery;
    const outlet = outlets.get(instance) ?? new Outlet();
    outlets.set(instance, outlet);
    if (outlet.begin(delivery)) void run(delivery, outlet);
    else if (lane === undefined) lost({ topic, instance, reason: 'IN_FLIGHT' });
    else {
      const waits = outlet.wait(lane, delivery);
      if (waits.hasReplaced) replaced(topic);
      for (const other of waits.lost) lost({ topic: other.topic, instance, reason: 'WAITING' });
    }
  };
  return {
    async publish(type, partial) {
      const known = subscribed.get(type.$type);
      if (known === undefined) throw notNamed(type, 'createEphemeralTopics');
      const { key, event } = await encodeEvent(type, partial);
      for (const { call, fleet, path } of known) {
        const lane = topicOf(type).keepsLatest && key !== '' ? `${path} ${key}` : undefined;
        for (const instance of fleet.serving())
          runOutsideScope(() => deliver({ topic: type.$type, instance, event, call, lane }));
      }
    },
  };
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
function subscriberOf(call: ReturnType<typeof encodedCall>) {
  const { method, channel } = bindingOf(call);
  return { call, fleet: channel.fleet(method), path: method.path };
}

/** Count what isn't taken; what is lost is logged once a minute. */
function countersOf({ meter, log, channel: { clock } }: EphemeralTopicsOptions) {
  const counter = meter?.createCounter('rondo.topics.lost', {
    unit: '{event}',
    description: 'The events of ephemeral topics that instances did not take, by topic and reason.',
  });
  const replacements = meter?.createCounter('rondo.topics.replaced', {
    unit: '{event}',
    description:
      'The events of ephemeral topics that waited for instances until newer ones of their keys replaced them, by topic.',
  });
  let loggedAt = -Infinity;
  const lost = ({ topic, reason, ...rest }: Lost): void => {
    counter?.add(1, { 'rondo.topic': topic, 'rondo.reason': reason });
    if (clock.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = clock.now();
    log.warn(
      { topic, reason, ...rest },
      'an instance did not take an event, which is lost: rondo.topics.lost counts them, and the log has at most one a minute',
    );
  };
  return { lost, replaced: (topic: string) => replacements?.add(1, { 'rondo.topic': topic }) };
}

interface Lost extends Pick<Delivery, 'topic' | 'instance'> {
  /** The status of the call; or, if there was none, `IN_FLIGHT` as too many were under way, or `WAITING` as too much waited. */
  readonly reason: string;
  readonly err?: unknown;
}
