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
  /** What kind of rule stands against it. */
  readonly rule: 'STATE' | 'CAPACITY' | 'DEPENDENCY' = 'STATE';
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

/** A deleted project, or one of its tasks, was to change. */
export class ProjectDeleted extends WrongState {
  override readonly name = 'ProjectDeleted';

  constructor(project: string) {
    super(project, `${project} is deleted, and its tasks with it; bring it back with UndeleteProject first`);
  }
}

/** A deleted task was to change. */
export class TaskDeleted extends WrongState {
  override readonly name = 'TaskDeleted';

  constructor(task: string) {
    super(task, `${task} is deleted; bring it back with UndeleteTask first`);
  }
}

/** Somebody else changed the resource since the caller read it, and what of it. */
export class LostRace extends DomainError {
  override readonly name = 'LostRace';
  readonly resource: string;
  /** The fields that differ; none where they are as they were, after all. */
  readonly fields: readonly string[];

  constructor(resource: string, fields: readonly string[]) {
    const what = fields.length === 0 ? 'has changed and back' : `has changed (${fields.join(', ')})`;
    super(`${resource} ${what} since it was read; read it again and repeat the change on that`);
    this.resource = resource;
    this.fields = fields;
  }
}

/** Members or tasks were named that don't exist. */
export class UnknownReferences extends DomainError {
  override readonly name = 'UnknownReferences';
  readonly memberIds: readonly string[];
  /** Of tasks of the project that the request is about. */
  readonly taskIds: readonly string[];

  constructor({ memberIds = [], taskIds = [] }: Partial<Record<'memberIds' | 'taskIds', readonly string[]>>) {
    super(`there are no members ${memberIds.join(', ')}, no tasks ${taskIds.join(', ')}`);
    this.memberIds = memberIds;
    this.taskIds = taskIds;
  }
}

/** A project was named that doesn't exist. */
export class UnknownProject extends DomainError {
  override readonly name = 'UnknownProject';

  constructor(project: string) {
    super(`${project} doesn't exist; create it with CreateProject, or name another`);
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

/** A project was to be made under an id that one has. */
export class ProjectExists extends DomainError {
  override readonly name = 'ProjectExists';

  constructor(project: string) {
    super(`${project} exists already; give another id`);
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
    super(
      'others are changing the same at this moment and were in the way for too long; nothing was done, so try again',
      { cause },
    );
  }
}

/** What was asked for can't be had now; the same again may succeed. */
export abstract class Unavailable extends DomainError {}

/** The store can't be reached or doesn't answer. What the database says names hosts and tables, and stays inside. */
export class StoreUnavailable extends Unavailable {
  override readonly name: string = 'StoreUnavailable';

  constructor(cause: Error, message = 'the database is unavailable; try again later') {
    super(message, { cause });
  }
}

/** The store went away at the one moment at which nobody can say what became of a change. */
export class OutcomeUnknown extends StoreUnavailable {
  override readonly name = 'OutcomeUnknown';

  constructor(cause: Error) {
    const remedy = 'look before you repeat it, or repeat it with the same request_id';
    super(cause, `the database went away while a change was being saved, and whether it was is unknown; ${remedy}`);
  }
}

/** A watch can't begin or go on here for now; with its last token it misses nothing. */
export class WatchInterrupted extends Unavailable {
  override readonly name = 'WatchInterrupted';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** A watcher reads too slowly to be kept up with; with its last token it misses nothing. */
export class WatcherTooSlow extends DomainError {
  override readonly name = 'WatcherTooSlow';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** A resume token is none of this watch's. */
export class ForeignResumeToken extends DomainError {
  override readonly name = 'ForeignResumeToken';

  constructor() {
    super(
      'must be that of an earlier message of a watch of the same project; leave it empty to begin with the project',
    );
  }
}
