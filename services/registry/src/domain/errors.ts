import type { TotalLimits } from './limits.js';

/** No such lease exists: it ran out, was given up, or belongs to an earlier epoch of the store. */
export class LeaseNotFound extends Error {
  override readonly name = 'LeaseNotFound';
  readonly instanceId: string;

  constructor(instanceId: string) {
    super(`no lease for instance ${instanceId}`);
    this.instanceId = instanceId;
  }
}

/** No instance is registered under this id, and no operator state is set for it. */
export class InstanceNotFound extends Error {
  override readonly name = 'InstanceNotFound';
  readonly instanceId: string;

  constructor(instanceId: string) {
    super(`no instance ${instanceId}`);
    this.instanceId = instanceId;
  }
}

/** The certificate of the caller doesn't name what it asks for. */
export class IdentityRefused extends Error {
  override readonly name = 'IdentityRefused';
}

/** A process of another identity holds the instance id. */
export class IdentityMismatch extends Error {
  override readonly name = 'IdentityMismatch';
  readonly instanceId: string;
  /** The SPIFFE id of the process that holds the instance id. */
  readonly holder: string;
  /** The SPIFFE id of the caller; undefined if it has no certificate. */
  readonly caller: string | undefined;

  constructor(instanceId: string, holder: string, caller: string | undefined) {
    super(`instance ${instanceId} is held by ${holder}`);
    this.instanceId = instanceId;
    this.holder = holder;
    this.caller = caller;
  }
}

/** A later incarnation holds the instance id. */
export class InstanceTakenOver extends Error {
  override readonly name = 'InstanceTakenOver';
  readonly instanceId: string;
  /** The incarnation that holds the id. */
  readonly incarnation: bigint;

  constructor(instanceId: string, incarnation: bigint) {
    super(`instance ${instanceId} is held by incarnation ${incarnation}`);
    this.instanceId = instanceId;
    this.incarnation = incarnation;
  }
}

/** A process of the same incarnation holds the instance id, and the caller hasn't shown that process's secret. */
export class SecretMismatch extends Error {
  override readonly name = 'SecretMismatch';
  readonly instanceId: string;
  readonly incarnation: bigint;

  constructor(instanceId: string, incarnation: bigint) {
    super(`instance ${instanceId} is held by another process of incarnation ${incarnation}`);
    this.instanceId = instanceId;
    this.incarnation = incarnation;
  }
}

/** An incarnation is too far ahead of the registry's clock. */
export class IncarnationAhead extends Error {
  override readonly name = 'IncarnationAhead';
  readonly instanceId: string;
  readonly incarnation: bigint;
  /** The time of the registry's clock, in milliseconds since the Unix epoch. */
  readonly wallMs: number;

  constructor(instanceId: string, incarnation: bigint, wallMs: number) {
    super(`incarnation ${incarnation} of instance ${instanceId} is ahead of the registry's clock`);
    this.instanceId = instanceId;
    this.incarnation = incarnation;
    this.wallMs = wallMs;
  }
}

/** A change would exceed the size limit of an instance. */
export class InstanceTooLarge extends Error {
  override readonly name = 'InstanceTooLarge';
  readonly instanceId: string;
  /** The size of its text after the change, in characters. */
  readonly textSize: number;

  constructor(instanceId: string, textSize: number) {
    super(`instance ${instanceId} would have ${textSize} characters of text`);
    this.instanceId = instanceId;
    this.textSize = textSize;
  }
}

/** A limit of the registry is reached. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
  readonly subject: keyof TotalLimits | 'settings';
  readonly limit: number;
  /** The SPIFFE id, or address, that has as many as it may: half of what the others leave free; undefined if the limit is that of all. */
  readonly client: string | undefined;

  constructor(subject: keyof TotalLimits | 'settings', limit: number, client?: string) {
    super(`the limit of ${limit} ${subject} is reached`);
    this.subject = subject;
    this.limit = limit;
    this.client = client;
  }
}

/** No setting of the service has this key. */
export class SettingNotFound extends Error {
  override readonly name = 'SettingNotFound';
  readonly service: string;
  readonly key: string;

  constructor(service: string, key: string) {
    super(`${service} has no setting ${key}`);
    this.service = service;
    this.key = key;
  }
}

/** The store is stopping. */
export class StoreClosed extends Error {
  override readonly name = 'StoreClosed';

  constructor() {
    super('the store is closed');
  }
}

/** The backing store doesn't answer. */
export class StoreUnreachable extends Error {
  override readonly name = 'StoreUnreachable';
  /** The address of the store. */
  readonly store: string;
  readonly reason: string;

  constructor(store: string, reason: string) {
    super(`the store at ${store} can't be reached: ${reason}`);
    this.store = store;
    this.reason = reason;
  }
}
