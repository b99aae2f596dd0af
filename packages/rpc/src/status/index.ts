export { Status, type StatusName, statusName, toStatus } from './code.js';
export { type DetailType, packDetail, unpackDetail } from './detail.js';
export { type FieldViolation, invalidArgument } from './invalid-argument.js';
export { type Attempt, type CallReport, RpcError, type RpcErrorOptions } from './rpc-error.js';
export { checked, type FieldAt, type ReportFault, validate } from './validate.js';
export { decodeStatusDetails, encodeStatusDetails, STATUS_DETAILS } from './wire.js';
