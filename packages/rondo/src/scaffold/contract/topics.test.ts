import { expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../../test/scaffold/staged.js';
import { checkTopics } from '../../generate/check-topics.js';

const topic = (name: string, option: string) => `message ${name} {
  option (rondo.options.v1.topic) = {service: "p.Owner" ${option}};
  string id = 1;
  double weight = 2;
  oneof kind { string code = 3; }
}`;
const method = (name: string, { request = 'Kept', options = '' }) => `
  rpc ${name}(${request}) returns (Kept) {
    option (rondo.options.v1.method) = {${options}};
  }`;
const ONCE = 'idempotency: {metadata: "idempotency-key" retention: {seconds: 604800}}';

const TEXT = `syntax = "proto3";
package p;
import "rondo/options/v1/options.proto";
${topic('Kept', 'key: "id" retention: {seconds: 604800}')}
${topic('Elsewhere', 'service: "q.None"').replace('service: "p.Owner" ', '')}
${topic('NoField', 'key: "name"')}
${topic('NoKey', 'key: "weight"')}
${topic('InOneof', 'key: "code"')}
${topic('Short', 'retention: {seconds: 59}')}
${topic('Latest', 'key: "id" keep: KEEP_LATEST_OF_KEY')}
${topic('Keyless', 'keep: KEEP_LATEST_OF_KEY')}
${topic('Both', 'key: "id" keep: KEEP_LATEST_OF_KEY retention: {seconds: 60}')}
${topic('Listed', 'retention: {seconds: 60} subscribers: ["p.Shared"]')}
message Plain {}
service Owner {${[
  method('Taken', { options: `subscription: {} auth: {callers: "p"} ${ONCE}` }),
  method('Closed', { options: `subscription: {} auth: {callers: "sales"} ${ONCE}` }),
  method('Streams', { request: 'stream Kept', options: `subscription: {} ${ONCE}` }),
  method('Untopical', { request: 'Plain', options: `subscription: {} ${ONCE}` }),
  method('Named', { options: `subscription: {group: "a b"} ${ONCE}` }),
  method('Unsafe', { options: 'subscription: {}' }),
  method('OwnKey', { options: `subscription: {} ${ONCE.replace('metadata: "idempotency-key"', 'field: "id"')}` }),
  method('Tries', { options: `subscription: {max_attempts: 101} ${ONCE}` }),
  method('Scoped', { options: `subscription: {} auth: {scopes: "p.read"} ${ONCE}` }),
  method('Forgets', { options: 'subscription: {} idempotency: {metadata: "idempotency-key"}' }),
  method('Unlisted', { request: 'Listed', options: `subscription: {} ${ONCE}` }),
].join('')}
}
service Shared {
  option (rondo.options.v1.service) = {served_by: "*"};${method('Any', { request: 'Listed', options: `subscription: {} ${ONCE}` })}
}
`;

it('topics and subscriptions that contradict themselves are refused where they stand', async () => {
  const registry = await compiled(newFile('topics.proto', TEXT));
  const reported = checkTopics(filesIn(registry, 'topics.proto')).map((fault) =>
    fault.replace(/^proto\/topics.proto:\d+: /, ''),
  );
  expect(reported).toEqual([
    expect.stringMatching(/^Elsewhere: topic.service is "q.None", which no contract/),
    'NoField: topic.key is "name", but p.NoField has no field "name"; it has id, weight, code',
    'NoKey: topic.key is "weight", but weight is no string and no integer, of which a key is one',
    'InOneof: topic.key is "code", but code is part of the oneof kind; name one outside',
    'Short: topic.retention is 59000 ms; it must be from 1 min to 365 days, or missing for an ephemeral topic',
    'Keyless: topic.keep is of the newest event of each key, and the topic has no key; name the field in topic.key',
    'Both: topic.keep is for an ephemeral topic, and this one has a retention, so that each event is stored; leave one of them out',
    'Owner.Closed: subscription is called by p, which serves p.Owner, and auth.callers has sales: name p there, too',
    'Owner.Streams: subscription is for a method with one request and one reply; leave it out',
    'Owner.Untopical: subscription is to the topic that the request is, and p.Plain is none; give it (rondo.options.v1.topic)',
    'Owner.Named: subscription.group is "a b"; it is of at most 200 A-Z a-z 0-9 . _ -',
    expect.stringMatching(/^Owner.Unsafe: subscription calls more than once: give the method idempotency/),
    expect.stringMatching(/^Owner.OwnKey: subscription has a key of its own for each call/),
    'Owner.Tries: subscription.max_attempts is 101; it must be from 1 to 100',
    'Owner.Scoped: subscription acts for no principal, and auth.scopes has p.read: give auth.callers with the name of the publisher',
    'Owner.Forgets: idempotency.retention is 86400000 ms, and an event may come again for 604800000 ms, the retention of p.Kept; make it at least as long',
    'Owner.Unlisted: subscription is to a topic with subscribers, which lacks p.Owner; list it in p.Listed',
    'Shared.Any: subscription is for a method that one process serves, and served_by of p.Shared is "*"; name the process',
  ]);
});
