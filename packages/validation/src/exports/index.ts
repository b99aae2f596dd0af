/**
 * What generated contracts check messages with. Contracts import it; a service doesn't need to.
 *
 * ```ts
 * import { CheckedItem } from '@rondo/contracts/rondo/conformance/v1/validation';
 *
 * const decoded = CheckedItem.checked?.decode(new Uint8Array());
 * console.log(decoded?.message, decoded?.violations());
 * ```
 */
export {
  type Checking,
  checking,
  checkingByCel,
  type Descriptors,
  type MessageType,
  type Rules,
  type TextField,
  type TextFields,
  TextReader,
} from '../checking.js';
export type { FieldDescription, ResourceDescription, TopicDescription } from '../description.js';
export {
  byteLength,
  bytes,
  bytesEndWith,
  bytesInclude,
  bytesStartWith,
  codePoints,
  coversPath,
  entriesOf,
  instantOf,
  isUnique,
  keyPath,
  now,
  type Span,
  sameBytes,
  sizeOf,
  toNanos,
  utf8,
} from '../values.js';
export { fault, type Violation, type Violations, within } from '../violations.js';
