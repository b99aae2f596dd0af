/** The gRPC status codes, by name. Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const Status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A gRPC status code. */
export type Status = (typeof Status)[keyof typeof Status];

/** A status code's name, such as `NOT_FOUND`. */
export type StatusName = keyof typeof Status;

const names: readonly StatusName[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** The name of `code`, such as `NOT_FOUND`. */
export function statusName(code: Status): StatusName {
  return names[code] ?? 'UNKNOWN';
}

/** The status code of a number; `UNKNOWN` if gRPC has no such code. */
export function statusFromCode(value: number): Status {
  const name = names[value];
  return name === undefined ? Status.UNKNOWN : Status[name];
}
