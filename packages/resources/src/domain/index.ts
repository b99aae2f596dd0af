export {
  AlreadyExists,
  ConcurrentChange,
  DomainError,
  ForeignResumeToken,
  InvalidRequest,
  MAX_NAMED,
  Missing,
  NotFound,
  OutcomeUnknown,
  Refused,
  RequestIdReused,
  StaleEtag,
  StoreUnavailable,
  Unavailable,
  type Violation,
  WatcherTooSlow,
  WatchInterrupted,
  WrongState,
} from './errors.js';
export type { Comparator, Condition, FilteredQuery, ListQuery, Page, PageQuery } from './list.js';
export { isId, type NamePattern, namePattern } from './names.js';
export { type ChangedSince, type RequestKey, requireUnchanged } from './request.js';
export { emailFault, rangeFault, titleFault } from './rules.js';
export { type CalendarDate, type Deletable, dateAt, differs, type Stored, type StoredOnly } from './stored.js';
