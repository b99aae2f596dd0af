/**
 * What the domains of resource-oriented services have in common: the errors by kind, pages and filters of lists, stored resources,
 * and rules of fields. It is pure: it imports nothing but types.
 *
 * ```ts
 * import { NotFound } from '@rondo/resources/domain';
 *
 * export const isMissing = (error: unknown): boolean => error instanceof NotFound;
 * ```
 */

export { type CalendarDate, dateAt } from '../domain/days.js';
export { differs } from '../domain/differs.js';
export {
  AlreadyExists,
  ConcurrentChange,
  Deleted,
  DomainError,
  InvalidRequest,
  MAX_NAMED,
  NotFound,
  NotPermitted,
  NotVisible,
  Refused,
  StaleEtag,
  Unavailable,
  type Violation,
  WrongState,
} from '../domain/errors.js';
