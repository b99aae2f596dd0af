export { Status, type StatusName, statusName, toStatus } from './code.js';
export {
  type DetailType,
  decodeStatusDetails,
  encodeStatusDetails,
  packDetail,
  STATUS_DETAILS,
  unpackDetail,
} from './detail.js';
export {
  checked,
  type FieldAt,
  type FieldViolation,
  invalidArgument,
  type ReportFault,
  validate,
} from './invalid-argument.js';
export { type Attempt, type CallReport, RpcError, type RpcErrorOptions } from './rpc-error.js';
