/**
 * Errors: the gRPC status codes, the error class of both sides, and details such as the violations of fields.
 *
 * ```ts
 * import { RpcError, Status, validate } from '@rondo/rpc/status';
 *
 * const title = validate((field) => {
 *   if (request.title === '') field('title')('is empty; give the project a title');
 *   return request.title;
 * }); // throws INVALID_ARGUMENT with every violation
 * throw new RpcError(Status.NOT_FOUND, `there is no ${name}`);
 * ```
 */

export { Status, type StatusName, statusFromCode } from '../status/code.js';
export { defineErrors, type ErrorTable } from '../status/define-errors.js';
export { packDetail, unpackDetail } from '../status/detail.js';
export { httpStatusOf } from '../status/http-status.js';
export { type FieldAt, invalidArgument, type ReportFault, validate } from '../status/invalid-argument.js';
export { RpcError } from '../status/rpc-error.js';
export type { FieldViolation } from '../status/violation.js';
