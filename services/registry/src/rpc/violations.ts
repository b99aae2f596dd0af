import { type FieldViolation, invalidArgument, type RpcError } from '@rondo/rpc/status';

/** Gathers what is wrong with a request, so that its caller hears all of it at once. */
export class Violations {
  readonly #found: FieldViolation[] = [];

  /** Notes what is wrong with `field`, unless `ok`: the rule, and what to do. */
  check(ok: boolean, field: string, description: string): void {
    if (!ok) this.#found.push({ field, description });
  }

  /** `INVALID_ARGUMENT` with what was noted and one violation more. */
  with(field: string, description: string): RpcError {
    return invalidArgument([...this.#found, { field, description }]);
  }

  /** @throws RpcError `INVALID_ARGUMENT` with all that was noted, where something was. */
  refuse(): void {
    if (this.#found.length > 0) throw invalidArgument(this.#found);
  }
}
