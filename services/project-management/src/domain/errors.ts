import { InvalidRequest, WrongState } from '@rondo/resources/domain';

/** The requested state can't follow the present one. */
export class IllegalTransition extends WrongState {
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
  constructor(project: string) {
    super(project, `${project} is ARCHIVED: neither it nor its tasks change any more; create another project`);
  }
}

/** Fields of the request name members or tasks that don't exist, or can't be named there. */
export class UnknownReferences extends InvalidRequest {}

/** The request names a project that doesn't exist. */
export class UnknownProject extends InvalidRequest {
  constructor(project: string) {
    const description = `${project} doesn't exist; create it with CreateProject, or name another`;
    super([{ field: 'reservation.project', description }]);
  }
}

/** After the change, the due date would be before the start date. */
export class DueBeforeStart extends InvalidRequest {
  constructor(description: string) {
    super([{ field: 'project.due_date', description }]);
  }
}
