import { defineErrors } from '@rondo/rpc/status';
import { MAX_GROUPS } from './groups.js';

/** The errors of the service that subscribers and operators of topics call. */
export const topicErrors = defineErrors('a service with topics', {
  EVENT_OPERATORS_ONLY: {
    code: 'PERMISSION_DENIED',
    text: '{caller} may not call this: people and operators may',
    cause: 'The certificate of the caller names no person and no operator.',
    remedy: 'Call with the certificate of a person or an operator, spiffe://…/person/….',
  },
  NO_TOPIC: {
    code: 'NOT_FOUND',
    text: 'there is no topic {topic} here; there are: {known}',
    cause: 'The service of the topic, as its contract has it, is served by a process that does not publish the topic.',
    remedy: 'Name the topic in createTopics of its service, and build both ends from the same contract.',
  },
  GROUP_REFUSED: {
    code: 'INVALID_ARGUMENT',
    text: 'the group is refused: {reason}',
    cause: 'The contract of the subscriber contradicts itself, or the new owner of the group is no identity.',
    remedy: 'Change the subscription in the contract, or name the identity that `rondo events ls` shows, as the text says.',
  },
  NOT_ITS_METHOD: {
    code: 'PERMISSION_DENIED',
    text: '{caller} may not register a method of {service} with {topic}: {reason}',
    cause: 'The caller is another process, the topic lists its subscribers, or any process may serve the method.',
    remedy: 'Name the process in `served_by` of the method, and the service in `subscribers` of the topic if it has some.',
  },
  NOT_ITS_GROUP: {
    code: 'PERMISSION_DENIED',
    text: '{caller} may not register the group {group}: it belongs to {owner}',
    cause: 'A group belongs to the identity that has registered it first.',
    remedy: 'Give the group a name of its own, or hand it over by `rondo events hand-over`.',
  },
  TOO_MANY_GROUPS: {
    code: 'RESOURCE_EXHAUSTED',
    text: `there are too many groups: a topic has at most ${MAX_GROUPS.ofTopic}, a publisher ${MAX_GROUPS.inAll}, and an identity half of both`,
    cause: 'Each event is stored once for each group.',
    remedy: 'Remove groups that are gone, by `rondo events remove-group`.',
  },
  NO_EVENT: {
    code: 'NOT_FOUND',
    text: 'there is no event {id} here that waits',
    cause: "The event doesn't exist, or was delivered.",
    remedy: 'Check the id; `rondo events ls` lists the events that wait for an operator.',
  },
  BROKER_AWAY: {
    code: 'UNAVAILABLE',
    text: 'NATS, which carries the topics, did not answer: {reason}',
    cause: 'NATS at RONDO_TOPICS is away, or refuses the publisher.',
    remedy: 'Look at the log of NATS; events wait in the database of the publisher meanwhile.',
  },
  NO_GROUP: {
    code: 'NOT_FOUND',
    text: 'there is no group {group} here',
    cause: 'The group was never registered, or was removed.',
    remedy: 'Check the name; `rondo events ls` lists the groups.',
  },
});
