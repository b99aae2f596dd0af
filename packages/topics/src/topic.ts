import { encodeMessage, type MessageType, type ServiceDefinition } from '@rondo/rpc/internal';
import type { TopicDescription } from '@rondo/validation';

/** A generated message with `(rondo.options.v1.topic)`. */
export interface TopicType extends MessageType {
  /** Such as `sales.v1.OrderPlaced`. */
  readonly $type: string;
  readonly topic?: TopicDescription | undefined;
}

/** An event as its publisher writes it. */
export type EventOf<T extends TopicType> = T extends { fromPartial(partial: infer P): unknown } ? P : never;

const MAX_KEY = 200;
const MAX_BYTES = 256 * 1024;

/** @throws TypeError if the message is no topic. */
export function topicOf({ $type, topic }: TopicType): TopicDescription {
  if (topic !== undefined) return topic;
  throw new TypeError(`${$type} is no topic: give it (rondo.options.v1.topic) in its contract`);
}

/** @throws TypeError if a process with these contracts may not publish the topic. */
export function requireOwn(topic: TopicType, services: readonly Pick<ServiceDefinition, 'fullName'>[]): void {
  const { service } = topicOf(topic);
  if (services.some(({ fullName }) => fullName === service)) return;
  throw new TypeError(
    `${topic.$type} is published by ${service}, as its (rondo.options.v1.topic) says, and this process doesn't serve that: publish it there`,
  );
}

/** What is thrown when one publishes what `create` wasn't given. */
export const notNamed = (topic: TopicType, create: string) =>
  new TypeError(
    `${topic.$type} is none of this service's topics: name it in ${create} where ${topicOf(topic).service} is served`,
  );

/** The key of an event, empty for none, and its bytes. @throws TypeError if it can't be published. */
export async function encodeEvent(type: TopicType, partial: object): Promise<{ key: string; event: Uint8Array }> {
  const message = type.fromPartial(partial);
  const event = encodeMessage(type, message);
  if (event.length > MAX_BYTES)
    throw new TypeError(
      `an event has at most 256 KiB, and this ${type.$type} has ${event.length} bytes: publish the name of a resource, which subscribers get`,
    );
  await type.checked?.load?.();
  const [fault] = type.checked?.decode(event).violations() ?? [];
  if (fault !== undefined) throw new TypeError(`${type.$type} is not valid: ${fault.field} ${fault.text}`);
  const { key: field } = topicOf(type);
  const key = field === undefined ? '' : String(Object(message)[field] ?? ''); // an optional field may be missing
  if (key.length > MAX_KEY)
    throw new TypeError(`the key of an event has at most ${MAX_KEY} characters; ${type.$type} has ${key.length}`);
  return { key, event };
}
