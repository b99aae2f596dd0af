/** An error of this service's rules or of its database. Each message says what is wrong and what to do. */
export abstract class DomainError extends Error {}

/** A resource doesn't exist. */
export class NotFound extends DomainError {
  override readonly name = 'NotFound';
  /** The resource's name, such as `projects/4f2a`. */
  readonly resource: string;

  constructor(resource: string, remedy: string) {
    super(`${resource} doesn't exist; ${remedy}`);
    this.resource = resource;
  }
}

/** The state of a resource forbids the call. */
export abstract class WrongState extends DomainError {
  /** The kind of rule that forbids the call. */
  readonly rule: 'STATE' | 'CAPACITY' | 'DEPENDENCY' = 'STATE';
  readonly resource: string;

  constructor(resource: string, message: string) {
    super(message);
    this.resource = resource;
  }
}

/** The requested state can't follow the present one. */
export class IllegalTransition extends WrongState {
  override readonly name = 'IllegalTransition';

  constructor(
    resource: string,
    transition: { readonly from: string; readonly to: string; readonly allowed: readonly string[] },
  ) {
    const { from, to, allowed } = transition;
    const remedy = allowed.length === 0 ? `${from} is final` : `from ${from} it can become ${allowed.join(' or ')}`;
    super(resource, `${resource} is ${from} and can't become ${to}; ${remedy}`);
  }
}

/** An archived project and its tasks can't be changed. */
export class ProjectArchived extends WrongState {
  override readonly name = 'ProjectArchived';

  constructor(project: string) {
    super(project, `${project} is ARCHIVED: neither it nor its tasks change any more; create another project`);
  }
}

/** A deleted project and its tasks can't be changed. */
export class ProjectDeleted extends WrongState {
  override readonly name = 'ProjectDeleted';

  constructor(project: string) {
    super(project, `${project} is deleted, and its tasks with it; bring it back with UndeleteProject first`);
  }
}

/** A deleted task can't be changed. */
export class TaskDeleted extends WrongState {
  override readonly name = 'TaskDeleted';

  constructor(task: string) {
    super(task, `${task} is deleted; bring it back with UndeleteTask first`);
  }
}

/** The resource has changed since the caller read it. */
export class StaleEtag extends DomainError {
  override readonly name = 'StaleEtag';
  readonly resource: string;
  /** The names of the changed fields in the contract; empty if they have changed back. */
  readonly fields: readonly string[];

  constructor(resource: string, fields: readonly string[]) {
    const what = fields.length === 0 ? 'has changed and back' : `has changed (${fields.join(', ')})`;
    super(`${resource} ${what} since it was read; read it again and repeat the change on that`);
    this.resource = resource;
    this.fields = fields;
  }
}

/** The request names members or tasks that don't exist. */
export class UnknownReferences extends DomainError {
  override readonly name = 'UnknownReferences';
  readonly memberIds: readonly string[];
  /** Ids of tasks of the request's project. */
  readonly taskIds: readonly string[];

  constructor({ memberIds = [], taskIds = [] }: Partial<Record<'memberIds' | 'taskIds', readonly string[]>>) {
    super(`there are no members ${memberIds.join(', ')}, no tasks ${taskIds.join(', ')}`);
    this.memberIds = memberIds;
    this.taskIds = taskIds;
  }
}

/** The request names a project that doesn't exist. */
export class UnknownProject extends DomainError {
  override readonly name = 'UnknownProject';

  constructor(project: string) {
    super(`${project} doesn't exist; create it with CreateProject, or name another`);
  }
}

/** After the change, the due date would be before the start date. */
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

/** Another project has the requested id. */
export class ProjectExists extends DomainError {
  override readonly name = 'ProjectExists';

  constructor(project: string) {
    super(`${project} exists already; give another id`);
  }
}

/** A request id was reused for a different request. */
export class RequestIdReused extends DomainError {
  override readonly name = 'RequestIdReused';

  constructor(requestId: string) {
    super(`request_id ${requestId} was used for another request; make a new UUID for each new request`);
  }
}

/** Concurrent changes won at every attempt; nothing was done. */
export class ConcurrentChange extends DomainError {
  override readonly name = 'ConcurrentChange';

  constructor(cause: Error) {
    super('other calls kept changing the same resources; nothing was done, so try again', { cause });
  }
}

/** The call can't succeed at the moment; a retry may succeed. */
export abstract class Unavailable extends DomainError {}

/**
 * The database can't be reached, or doesn't reply in time. Its own message names hosts and tables, so it isn't passed
 * on.
 */
export class StoreUnavailable extends Unavailable {
  override readonly name: string = 'StoreUnavailable';

  constructor(cause: Error, message = 'the database is unavailable; try again later') {
    super(message, { cause });
  }
}

/** The connection to the database broke during a commit, so the outcome of the change is unknown. */
export class OutcomeUnknown extends StoreUnavailable {
  override readonly name = 'OutcomeUnknown';

  constructor(cause: Error) {
    const remedy = 'read the resource before you repeat the change, or repeat it with the same request_id';
    super(cause, `the connection to the database broke during a commit, and its outcome is unknown; ${remedy}`);
  }
}

/**
 * The watch can't begin or continue on this instance. If the watcher resumes with its last token, it misses nothing.
 */
export class WatchInterrupted extends Unavailable {
  override readonly name = 'WatchInterrupted';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** The watcher reads too slowly. If it resumes with its last token, it misses nothing. */
export class WatcherTooSlow extends DomainError {
  override readonly name = 'WatcherTooSlow';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** The resume token isn't valid for this watch. */
export class ForeignResumeToken extends DomainError {
  override readonly name = 'ForeignResumeToken';

  constructor() {
    super(
      'must be the token of an earlier message of a watch of the same project; leave it empty to begin with a snapshot',
    );
  }
}
