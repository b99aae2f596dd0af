import type { Any } from '@rondo/contracts/google/protobuf/any';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { packDetail } from './detail.js';

/** A violation of one field: which field, which rule, and the remedy. */
export interface FieldViolation {
  /** The field's path as in the contract, such as `quote.lines[0].quantity`; empty for the message itself. */
  readonly field: string;
  readonly description: string;
}

/**
 * The longest text of all violations of one error together. A status travels in a header block, of which gRPC's C core
 * (clients in Python, C++, Ruby) takes 8 KiB; beyond that it reports `RESOURCE_EXHAUSTED` to its caller instead. Each
 * text is in the block three times, and in `grpc-message` with up to three bytes for one.
 */
const MAX_TEXT_BYTES = 1500;
/** The longest field and the longest description of one violation, as each may repeat text that a caller sent. */
const MAX_PART_LENGTH = 300;

/**
 * The violations as a message, and as the detail of an error. If there are too many, both have the first ones, and
 * the message says how many more there are.
 */
export function describeViolations(violations: readonly FieldViolation[]): {
  readonly message: string;
  readonly details: readonly Any[];
} {
  const fieldViolations = leading(violations);
  const texts = fieldViolations.map(textOf);
  const left = violations.length - fieldViolations.length;
  const message = (left === 0 ? texts : [...texts, `and ${left} more`]).join('; ');
  return { message, details: [packDetail(BadRequest, { fieldViolations })] };
}

/** The first violations that fit together, shortened; at least one. */
function leading(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  const fitting: FieldViolation[] = [];
  let sizeBytes = 0;
  for (const violation of violations) {
    const short = shortened(violation);
    sizeBytes += Buffer.byteLength(textOf(short));
    if (fitting.length > 0 && sizeBytes > MAX_TEXT_BYTES) break;
    fitting.push(short);
  }
  return fitting;
}

function textOf({ field, description }: FieldViolation): string {
  return field === '' ? description : `${field}: ${description}`;
}

function shortened({ field, description }: FieldViolation): FieldViolation {
  return { field: shorten(field), description: shorten(description) };
}

function shorten(text: string): string {
  if (text.length <= MAX_PART_LENGTH) return text;
  // Don't cut between the two code units of one character.
  return `${text.slice(0, MAX_PART_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
