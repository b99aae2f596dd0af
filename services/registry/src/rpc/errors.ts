import { defineErrors } from '@rondo/rpc/status';

/** The errors that callers of the registry get. */
export const registryErrors = defineErrors('the registry', {
  LEASE_NOT_FOUND: {
    code: 'NOT_FOUND',
    text: 'no such lease for instance "{instanceId}": register again',
    cause: 'The lease ran out, was given up, or the registry lost it in a restart.',
    remedy: "None: Rondo's services register again. Another client does so itself.",
  },
  INSTANCE_NOT_FOUND: {
    code: 'NOT_FOUND',
    text: 'no instance "{instanceId}" is registered: list the registered ones with ListInstances',
    cause: "The instance isn't registered, or no longer.",
    remedy: 'Check the id with `rondo ps`.',
  },
  SETTING_NOT_FOUND: {
    code: 'NOT_FOUND',
    text: '{service} has no setting {key}; rondo config lists those that there are',
    cause: "The setting doesn't exist, or was deleted.",
    remedy: '`rondo config` lists the settings that there are.',
  },
  IDENTITY_REFUSED: {
    code: 'PERMISSION_DENIED',
    text: '{whoMayNotDoWhat}',
    cause: 'The certificate of the caller names another process than the one that may serve these services, or no operator, who alone may cordon instances and change settings.',
    remedy: 'Give the process its own certificate, or name it in `served_by` of the contract. The guide on TLS has more.',
  },
  INSTANCE_ID_HELD: {
    domain: 'registry',
    code: 'PERMISSION_DENIED',
    text: 'instance id "{instanceId}" is held by {holder}: {remedy}',
    cause: 'Two processes use the same instance id. Or a process with a certificate holds it, and the caller has none, or one of another trust domain.',
    remedy: 'Give each process its own RONDO_INSTANCE_ID. When TLS is turned off, wait until the lease has ended.',
  },
  INSTANCE_TAKEN_OVER: {
    code: 'ABORTED',
    text: 'another process, incarnation {incarnation}, has taken over instance id "{instanceId}": give this process its own RONDO_INSTANCE_ID',
    cause: 'A later process has registered under the same instance id.',
    remedy: 'Give each process its own RONDO_INSTANCE_ID.',
  },
  /** It carries the registry's time, so that a process whose own clock is wrong can state its start by the registry's clock. */
  INCARNATION_AHEAD: {
    domain: 'registry',
    field: 'instance.incarnation',
    text: "is {incarnation}, and may be at most {maxAhead} s ahead of the registry's clock, {registryTime}; set the clock of this machine, or of the registry, by NTP and start the process again",
    cause: "The clock of the machine that registers is ahead of the registry's.",
    remedy: 'Set both clocks by NTP, and start the process again.',
  },
  INSTANCE_TOO_LARGE: {
    field: 'metadata',
    text: 'leaves instance "{instanceId}" with {textSize}: all its text may have {maxTextSize} characters; send less metadata',
    cause: 'A change would make the metadata of an instance too large.',
    remedy: 'Send less metadata.',
  },
  LIMIT_REACHED: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the registry holds {limit} {subject}, as many as it may: {remedy}',
    cause: 'The registry holds as many instances, services, cordoned instances, settings or watches as it may.',
    remedy: 'Raise the limit that the text names, if the system needs it.',
  },
  XDS_NAMES: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'a stream may subscribe to {most} resources of a type, and this one names {names}: open several channels, each for some of the services',
    cause: 'An xDS client has subscribed to more services than a stream may.',
    remedy: 'Use several processes, each for some of the services.',
  },
  STOPPING: {
    code: 'UNAVAILABLE',
    text: 'the registry is stopping: ask it again once it is back',
    cause: 'The registry is stopping.',
    remedy: "None: Rondo's services ask another registry, or this one again.",
    effect: 'none',
  },
  STORE_AWAY: {
    code: 'UNAVAILABLE',
    text: "the store at {store} can't be reached: {reason}; call again soon",
    cause: "The registry can't reach its store, such as etcd.",
    remedy: 'Bring back the store that the text names. Services use what they know meanwhile.',
  },
});
