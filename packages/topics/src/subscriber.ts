import { createSweep } from '@rondo/base';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { createClient } from '@rondo/rpc/client';
import {
  type MessageType,
  methodsOf,
  optionBytes,
  type PartOptions,
  POLICY_TAG,
  processOf,
  type ServiceDefinition,
} from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import type { TopicDescription } from '@rondo/validation';
import type { TopicType } from './topic.js';

/** Options of a subscriber. The channel reaches the publishers; of a database only its `process` is used. */
export interface SubscriberOptions extends PartOptions {
  /** The service's own contracts; their methods with `(rondo.options.v1.method).subscription` subscribe. */
  readonly services: readonly ServiceDefinition[];
}

/** The subscriptions of a service. Once started, it registers its groups with the publishers until each has taken them, and then twice a minute. */
export interface Subscriber extends Part {
  /** It doesn't wait. */
  start(): void;
  stop(): Promise<void>;
  /** @deprecated The name that `stop` had in 0.2. */
  close(): Promise<void>;
}

const EVERY_MS = 2_000;
const TIMEOUT_MS = 5_000;
/** A group that was removed, or that its publisher lost, comes back after this time. */
const AGAIN_MS = 30_000;

/**
 * Creates the subscriptions of a service: its methods that subscribe are called with each event, once their groups are registered.
 *
 * @throws TypeError if the request of such a method is no topic.
 */
export function createSubscriber({ services, ...options }: SubscriberOptions): Subscriber {
  const { channel, log, clock } = processOf(options);
  const dueTimes = new Map(services.flatMap(registrationsOf).map((one) => [one, -Infinity]));
  const round = async (signal: AbortSignal): Promise<boolean> => {
    const due = [...dueTimes].filter(([, time]) => time <= clock.now());
    await Promise.all(
      due.map(async ([one, time]) => {
        const client = createClient(EventServiceDefinition, { channel, at: one.publisher });
        const request = { ...one.request, again: Number.isFinite(time) };
        await client.registerGroup(request, { signal, timeoutMs: TIMEOUT_MS });
        dueTimes.set(one, clock.now() + AGAIN_MS);
      }),
    );
    return false;
  };
  const sweep = createSweep({ intervalMs: EVERY_MS, clock, log, name: 'subscriptions', round });
  const stop = () => sweep.close();
  return { name: 'the subscriber', start: () => sweep.start(), stop, close: stop };
}

/** What the service registers, and where: nothing for ephemeral topics. */
const registrationsOf = (service: ServiceDefinition) =>
  subscriptionsOf(service).flatMap(({ topic, definition, subscription, policy }) => {
    if (topic.topic.retentionMs === undefined) return [];
    const method = { service: service.fullName, method: definition.name };
    const group = subscription.group || `${service.fullName}.${definition.name}`;
    const idempotencyLevel = definition.options.idempotencyLevel ?? '';
    const request = { topic: topic.$type, group, ...method, idempotencyLevel, policy };
    return [{ publisher: topic.topic.service, request }];
  });

/** The methods of the service that subscribe. @throws TypeError if the request of one is no topic. */
export function subscriptionsOf(service: ServiceDefinition) {
  return [...methodsOf(service)].flatMap(([name, { path }]) => {
    const definition = service.methods[name];
    const bytes = definition && optionBytes(definition, POLICY_TAG);
    const policy = bytes && MethodPolicy.decode(bytes);
    if (definition === undefined || policy?.subscription === undefined) return [];
    const { requestType: topic } = definition;
    if (!isTopic(topic)) throw new TypeError(`${path} subscribes, and its request is no topic`);
    return [{ service, definition, topic, policy, subscription: policy.subscription }];
  });
}

const isTopic = (type: MessageType): type is TopicType & { readonly topic: TopicDescription } =>
  'topic' in type && type.topic !== undefined;
