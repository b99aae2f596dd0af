import { AlreadyExists, DomainError, InvalidRequest, WrongState } from '@rondo/resources/domain';

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
export class UnknownProject extends InvalidRequest {
  override readonly name = 'UnknownProject';

  constructor(project: string) {
    const description = `${project} doesn't exist; create it with CreateProject, or name another`;
    super([{ field: 'reservation.project', description }]);
  }
}

/** After the change, the due date would be before the start date. */
export class DueBeforeStart extends InvalidRequest {
  override readonly name = 'DueBeforeStart';

  constructor(description: string) {
    super([{ field: 'project.due_date', description }]);
  }
}

/** Another member has the e-mail address. */
export class EmailTaken extends AlreadyExists {
  override readonly name = 'EmailTaken';

  constructor(email: string) {
    super(`another member has the e-mail address ${email}; use that member, or give another address`);
  }
}

/** Another member is the person with this subject. */
export class SubjectTaken extends AlreadyExists {
  override readonly name = 'SubjectTaken';

  constructor(subject: string) {
    super(`another member has the subject ${subject}; use that member, or give another subject`);
  }
}

/** Another project has the requested id. */
export class ProjectExists extends AlreadyExists {
  override readonly name = 'ProjectExists';

  constructor(project: string) {
    super(`${project} exists already; give another id`);
  }
}
