import { createHash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';

const ETAG = /^"(\d{1,19})((?:-[0-9a-f]{6})*)"$/;
const DIGEST_DIGITS = 6;

/** What of a resource its callers can change, by its field's path; a value is compared by its JSON. */
type EtagFields = Readonly<Record<string, unknown>>;

/** What an etag is made of. Fields keep their order for ever; new ones come last. */
export interface Etagged {
  /** Counts the changes. */
  readonly version: bigint;
  readonly fields: EtagFields;
}

/** What of a resource has changed since a caller read it, by field; undefined where nothing has, or nobody asks. */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | undefined;

/**
 * The etag of a resource (RFC 9110, AIP-154): its version, and a digest of each field, by which a later reader can be
 * told what has changed since.
 */
export function etagOf({ version, fields }: Etagged): string {
  return `"${[`${version}`, ...Object.values(fields).map(digestOf)].join('-')}"`;
}

/**
 * What has changed since a caller read the etag that it sends; an empty one asks for whatever is there. What a resource's
 * etag is made of, `etaggedOf` says.
 */
export function readEtag<Resource>(
  report: ReportFault,
  etag: string,
  etaggedOf: (present: Resource) => Etagged,
): ChangedSince<Resource> {
  if (etag !== '' && !ETAG.test(etag)) {
    report(
      `must be the etag of a reply, quotes included, or empty for whatever is there; it is ${JSON.stringify(etag)}`,
    );
  }
  return (present) => {
    const changed = etag === '' ? 'nothing' : changedSince(etag, etaggedOf(present));
    return changed === 'nothing' ? undefined : changed;
  };
}

/** Whether an etag is that of the present, and if not, which fields differ: `undefined` where it is no etag of ours. */
export function changedSince(etag: string, present: Etagged): readonly string[] | 'nothing' | undefined {
  const [, version, digests] = ETAG.exec(etag) ?? [];
  if (version === undefined || digests === undefined) return undefined;
  if (BigInt(version) === present.version) return 'nothing';
  const known = digests.split('-').slice(1);
  return Object.entries(present.fields)
    .filter(([, value], index) => known[index] !== digestOf(value))
    .map(([path]) => path);
}

function digestOf(value: unknown): string {
  const text = JSON.stringify(value ?? null, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}` : part));
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
}
