/**
 * An error of a service's rules or of something it depends on. Each message says what is wrong and what to do. The
 * abstract classes are the kinds of errors, each with a gRPC status; a service's own errors extend one of them.
 */
export abstract class DomainError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A fault of a request that only the stored resources show. `INVALID_ARGUMENT`. */
export abstract class InvalidRequest extends DomainError {
  /** The invalid fields by their paths in the contract, and what is wrong with each. */
  readonly faults: readonly { readonly field: string; readonly description: string }[];

  constructor(faults: InvalidRequest['faults']) {
    super(faults.map(({ field, description }) => `${field}: ${description}`).join('; '));
    this.faults = faults;
  }
}

/** A field names a resource that doesn't exist. */
export class UnknownReference extends InvalidRequest {
  constructor(field: string, name: string) {
    super([{ field, description: `${name} doesn't exist; create it first, or give another one` }]);
  }
}

/** A text is longer than the index of its field holds. */
export class TooLong extends InvalidRequest {
  constructor(field: string, bytes: number) {
    super([{ field, description: `has ${bytes} bytes, more than its index holds; send at most 2,000` }]);
  }
}

/** The most resources that an error names. A status must fit into a header block that every client accepts. */
export const MAX_NAMED = 16;

/** Resources aren't there. The error names at most {@link MAX_NAMED} of them. `NOT_FOUND`. */
export abstract class Missing extends DomainError {
  /** The resources' names. */
  readonly resources: readonly string[];
  /** The names, and what is the matter with them. */
  readonly missing: string;
  readonly remedy: string;
  /** What is the matter with each resource, and what the caller can do. */
  readonly description: string;

  /** @param what is the matter with one resource, and with several. */
  constructor(resources: readonly string[], what: readonly [one: string, several: string], remedy: string) {
    const named = resources.slice(0, MAX_NAMED);
    const more = resources.length > MAX_NAMED ? ` and ${resources.length - MAX_NAMED} more` : '';
    const missing = `${named.join(', ')}${more} ${what[resources.length === 1 ? 0 : 1]}`;
    super(`${missing}; ${remedy}`);
    this.resources = named;
    this.missing = missing;
    this.remedy = remedy;
    this.description = `${what[0]}; ${remedy}`;
  }
}

/** Resources don't exist. */
export class NotFound extends Missing {
  constructor(resources: readonly string[], remedy: string) {
    super(resources, ["doesn't exist", "don't exist"], remedy);
  }
}

/** Resources are deleted, and can be undeleted. */
export class Deleted extends Missing {
  /** @param called what each is, such as `customer`. */
  constructor(resources: string | readonly string[], called: string) {
    const names = [resources].flat();
    const method = called.replace(/(?:^| )(\w)/g, (_, letter: string) => letter.toUpperCase());
    super(names, ['is deleted', 'are deleted'], `Undelete${method} brings ${names.length === 1 ? 'it' : 'them'} back`);
  }
}

/** Something has the requested id or unique value already. `ALREADY_EXISTS`. */
export abstract class AlreadyExists extends DomainError {}

/** Another resource has a value that is unique. */
export class Taken extends AlreadyExists {
  /** @param values each with what it is called. */
  constructor(called: string, values: readonly (readonly [what: string, value: unknown])[]) {
    const named = values
      .map(([what, value]) => `${what}${value === undefined || value === '' ? '' : ` ${value}`}`)
      .join(' and ');
    super(
      `another ${called} has the ${named}; use that ${called}, or give another ${values.map(([what]) => what).join(' or ')}`,
    );
  }
}

/** The caller may see the resource, but not do this with it. `PERMISSION_DENIED`. */
export class NotPermitted extends DomainError {
  readonly resource: string;
  /** What is not permitted, such as `the salesperson of a customer`. */
  readonly what: string;
  /** The scope with which the call would be permitted. */
  readonly scope: string;

  constructor(resource: string, what: string, scope: string) {
    super(`${what} needs the scope ${scope}`);
    this.what = what;
    this.resource = resource;
    this.scope = scope;
  }
}

/** The caller doesn't see the resource. It gets the error that it would get if the resource didn't exist. */
export class NotVisible extends Error {
  override readonly name = 'NotVisible';
  override readonly cause: DomainError;

  constructor(cause: DomainError) {
    super(cause.message, { cause });
    this.cause = cause;
  }
}

/** What forbids a call. */
export interface Violation {
  /** The kind of rule, such as `STATE`. */
  readonly type: string;
  /** The resource's name. */
  readonly subject: string;
  readonly description: string;
}

/** A rule forbids the call in the present state. `FAILED_PRECONDITION`. */
export abstract class Refused extends DomainError {
  abstract get violations(): readonly Violation[];
}

/** The state of one resource forbids the call. */
export abstract class WrongState extends Refused {
  /** The kind of rule that forbids the call. */
  readonly rule: string = 'STATE';
  readonly resource: string;

  constructor(resource: string, message: string) {
    super(message);
    this.resource = resource;
  }

  get violations(): readonly Violation[] {
    return [{ type: this.rule, subject: this.resource, description: this.message }];
  }
}

/** A deleted resource can't be changed before it is undeleted. */
export class StillDeleted extends WrongState {
  constructor(resource: string, remedy: string) {
    super(resource, `${resource} is deleted; ${remedy}`);
  }
}

/** A resource can't be deleted before those that are part of it, or refer to it. */
export class InUse extends WrongState {
  constructor(resource: string) {
    super(resource, `other resources are part of ${resource}, or refer to it; delete those first`);
  }
}

/** The resource has changed since the caller read it, or never had the etag. `ABORTED`. */
export class StaleEtag extends DomainError {
  readonly resource: string;
  readonly why: string;
  /** The names of the changed fields in the contract; empty if they have changed back, or if it never had the etag. */
  readonly changed: readonly string[];

  constructor(resource: string, changed: readonly string[] | 'foreign') {
    const why = whyStale(changed);
    super(`${resource} ${why}`);
    this.why = why;
    this.resource = resource;
    this.changed = changed === 'foreign' ? [] : changed;
  }
}

function whyStale(changed: readonly string[] | 'foreign'): string {
  if (changed === 'foreign')
    return 'never had this etag: it is of another resource, or of a state that a restore has undone';
  const what = changed.length === 0 ? ', and back again' : `: ${changed.join(', ')}`;
  return `has changed since its etag was read${what}`;
}

/** Concurrent changes won at every attempt; nothing was done. `ABORTED`. */
export class ConcurrentChange extends DomainError {
  constructor(cause?: Error) {
    super('concurrent changes won', { cause });
  }
}

/** The call can't succeed at the moment; a retry may succeed. `UNAVAILABLE`. */
export abstract class Unavailable extends DomainError {}
