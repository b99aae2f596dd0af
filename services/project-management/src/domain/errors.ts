/** What the rules of this service refuse. Each message says what is wrong and what to do. */
export abstract class DomainError extends Error {}

/** A resource that isn't there. */
export class NotFound extends DomainError {
  override readonly name = 'NotFound';
  /** The resource's name, such as `projects/4f2a`. */
  readonly resource: string;

  constructor(resource: string, remedy: string) {
    super(`${resource} doesn't exist; ${remedy}`);
    this.resource = resource;
  }
}

/** A resource is in a state that doesn't allow what was asked. */
export abstract class WrongState extends DomainError {
  readonly resource: string;

  constructor(resource: string, message: string) {
    super(message);
    this.resource = resource;
  }
}

/** A state was asked for that can't follow the present one. */
export class IllegalMove extends WrongState {
  override readonly name = 'IllegalMove';

  constructor(
    resource: string,
    move: { readonly from: string; readonly to: string; readonly allowed: readonly string[] },
  ) {
    const { from, to, allowed } = move;
    const remedy = allowed.length === 0 ? `${from} is final` : `from ${from} it can become ${allowed.join(' or ')}`;
    super(resource, `${resource} is ${from} and can't become ${to}; ${remedy}`);
  }
}

/** An archived project, or one of its tasks, was to change. */
export class ProjectArchived extends WrongState {
  override readonly name = 'ProjectArchived';

  constructor(project: string) {
    super(project, `${project} is ARCHIVED: neither it nor its tasks change any more; create another project`);
  }
}

/** Somebody else changed the resource since the caller read it. */
export class StaleEtag extends DomainError {
  override readonly name = 'StaleEtag';

  constructor(resource: string, etags: { readonly given: string; readonly present: string }) {
    const { given, present } = etags;
    super(`${resource} has changed: its etag is ${present}, not ${given}; read it again and repeat the change on that`);
  }
}

/** Members were named that don't exist. */
export class UnknownMembers extends DomainError {
  override readonly name = 'UnknownMembers';
  /** Their ids. */
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super(`there are no members ${ids.join(', ')}`);
    this.ids = ids;
  }
}

/** The due date is before the start date, once the change is applied. */
export class DueBeforeStart extends DomainError {
  override readonly name = 'DueBeforeStart';
}

/** Another member has the e-mail address. */
export class EmailTaken extends DomainError {
  override readonly name = 'EmailTaken';

  constructor(email: string) {
    super(`another member has the e-mail address ${email}; use that member, or give another address`);
  }
}

/** A request id came again with another request. */
export class RequestIdReused extends DomainError {
  override readonly name = 'RequestIdReused';

  constructor(requestId: string) {
    super(`request_id ${requestId} was used for another request; make a new UUID for each new request`);
  }
}

/** A concurrent change won, at every attempt; nothing was done. */
export class ConcurrentChange extends DomainError {
  override readonly name = 'ConcurrentChange';

  constructor(cause: Error) {
    super('others changed the same at the same moment, again and again; nothing was done, so try again', { cause });
  }
}

/** What was asked for can't be had now; the same again may succeed. */
export abstract class Unavailable extends DomainError {}

/** The store can't be reached or doesn't answer. Whether a write that was under way took effect is unknown. */
export class StoreUnavailable extends Unavailable {
  override readonly name = 'StoreUnavailable';

  constructor(cause: Error) {
    // What the database says names hosts and tables, and stays inside.
    super('the database is unavailable; try again later', { cause });
  }
}

/** The service is about to end, and with it what it was telling a watcher. */
export class ServiceStopped extends Unavailable {
  override readonly name = 'ServiceStopped';

  constructor() {
    super('this instance is stopping; watch again, and another one goes on with a new snapshot');
  }
}
