/** Checks topics and their subscriptions in contracts for contradictions. */
import type { DescFile, DescMessage, DescMethod } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { declaredJob, faultOf } from '../../../jobs/src/declared.js';
import { inCallers } from './check-policies.js';
import { type Contracts, faultAt, methodsOf } from './declarations.js';
import { GROUPING, inNamed } from './named-fields.js';
import { DAY_MS, type Faults, KEEP_LATEST_OF_KEY, MINUTE_MS, type Options, optionsOf, toMs } from './options.js';

/** The faults in the option `rondo.options.v1.topic` and in subscriptions of some files, each with file, line and reason. */
export function checkTopics({ registry, files }: Contracts): readonly string[] {
  const options = optionsOf(registry);
  return files.flatMap((file) => [...inFile(file, options)]);
}

function* inFile(file: DescFile, options: Options): Faults {
  for (const message of file.messages) {
    for (const reason of inTopic(message, options)) yield faultAt(message, reason, options.topic);
  }
  for (const method of methodsOf(file)) {
    for (const reason of inSubscription(method, options)) yield faultAt(method, reason, options.method);
  }
}

function* inTopic(message: DescMessage, options: Options): Faults {
  const topic = options.topic.of(message);
  if (topic === undefined) return;
  if (options.registry.getService(topic.service) === undefined)
    yield `topic.service is "${topic.service}", which no contract has; name the service that publishes it, such as sales.v1.OrderService`;
  if (topic.key !== '') yield* inNamed('topic.key', topic.key, { message, kind: GROUPING });
  if (topic.keep === KEEP_LATEST_OF_KEY && topic.key === '')
    yield 'topic.keep is of the newest event of each key, and the topic has no key; name the field in topic.key';
  if (topic.keep === KEEP_LATEST_OF_KEY && topic.retention !== undefined)
    yield 'topic.keep is for an ephemeral topic, and this one has a retention, so that each event is stored; leave one of them out';
  const retentionMs = topic.retention && toMs(topic.retention);
  if (retentionMs !== undefined && (retentionMs < MINUTE_MS || retentionMs > 365 * DAY_MS))
    yield `topic.retention is ${retentionMs} ms; it must be from 1 min to 365 days, or missing for an ephemeral topic`;
}

function* inSubscription(method: DescMethod, options: Options): Faults {
  const { subscription, idempotency, auth } = options.method.of(method) ?? {};
  if (subscription === undefined) return;
  const topic = options.topic.of(method.input);
  if (topic === undefined)
    yield `subscription is to the topic that the request is, and ${method.input.typeName} is none; give it (rondo.options.v1.topic)`;
  if (!/^[A-Za-z0-9._-]{0,200}$/.test(subscription.group))
    yield `subscription.group is "${subscription.group}"; it is of at most 200 A-Z a-z 0-9 . _ -`;
  if (auth?.scopes[0] !== undefined)
    yield `subscription acts for no principal, and auth.scopes has ${auth.scopes[0]}: give auth.callers with the name of the publisher`;
  const { typeName } = method.parent;
  if (options.service.of(method.parent)?.servedBy.includes('*'))
    yield `subscription is for a method that one process serves, and served_by of ${typeName} is "*"; name the process`;
  if (topic !== undefined && topic.subscribers.length > 0 && !topic.subscribers.includes(typeName))
    yield `subscription is to a topic with subscribers, which lacks ${typeName}; list it in ${method.input.typeName}`;
  const by = topic && options.registry.getService(topic.service);
  if (by !== undefined) yield* inCallers('subscription', { auth, by, service: options.service });
  const isOnce = topic !== undefined && topic.retention === undefined;
  const fault = faultOf(
    declaredJob({ ...subscription, maxRunning: 0, maxRunningPerKey: undefined, schedule: undefined }),
    {
      isUnary: method.methodKind === 'unary',
      isRepeatable: isOnce || idempotency !== undefined || method.idempotency !== IDEMPOTENCY_UNKNOWN,
      keyField: idempotency?.source.case === 'field' ? idempotency.source.value : undefined,
      scopes: [],
    },
  );
  if (fault !== undefined) yield `subscription${fault}`;
  if (idempotency === undefined || topic?.retention === undefined) return;
  const [kept, needed] = [idempotency.retention ? toMs(idempotency.retention) : DAY_MS, toMs(topic.retention)];
  if (kept < needed)
    yield `idempotency.retention is ${kept} ms, and an event may come again for ${needed} ms, the retention of ${method.input.typeName}; make it at least as long`;
}

const { IDEMPOTENCY_UNKNOWN } = MethodOptions_IdempotencyLevel;
