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
export { type Checking, checking, checkingByCel, type TextFields } from '../checking.js';
export type { FieldDescription, ResourceDescription, TopicDescription } from '../description.js';
export { codePoints, entriesOf, isUnique, keyPath, nanosOf, utf8 } from '../values.js';
export { fault, type Violations, within } from '../violations.js';
