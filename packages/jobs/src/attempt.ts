/**
 * How long a process has a job without renewing its claim, in milliseconds. Other processes of this version take the job over as soon as the
 * worker has ended ({@link beat}): this bound is for replicas of versions before `job_owners`.
 */
export const LEASE_MS = 300_000;

/** The `uid` of a job that a replica of a version without this column has called, or may have called. */
export const NO_UID = '00000000-0000-0000-0000-000000000000';

/** An attempt at a job. */
export interface Attempt {
  readonly id: bigint;
  /** Its id in all databases; null for an event, {@link NO_UID} if its key is made of `id`. */
  readonly uid: string | null;
  readonly method: string;
  readonly key: string;
  /** Of an event: its key, of which one is delivered at a time. Of a job: its key for `max_running_per_key`. Null for none. */
  readonly lane: string | null;
  readonly request: Uint8Array;
  readonly version: number;
  readonly claim: string;
  /** With this one. */
  readonly attempts: number;
  /** How often it was claimed, with this time: the first time, no other process can have called it. */
  readonly claims: number;
  /** How many instances have ended during the call. After the first end the call is a suspect, which is made alone. */
  readonly ends: number;
  /** The instance that doesn't get the call, as it is for suspects; null for none. */
  readonly avoids: string | null;
  readonly traceparent: string;
  readonly createTime: Date;
}

const COLUMNS =
  'id, uid, method, key, lane, request, version, claim, attempts, claims, ends, avoids, traceparent, create_time';
/** The columns of an {@link Attempt}; `inner`: as they are called in a part of a `WITH`. */
export const ATTEMPT = { inner: COLUMNS, outer: `${COLUMNS} AS "createTime"` };

const QUARANTINED = '(SELECT instance FROM job_quarantine WHERE until > now())';
/** The end of the claim of a job that runs in the process which claims it: if the process ends, so has the call. */
const HERE = '!';

/** The parameters of a claim, as SQL has them. */
interface ClaimSql {
  readonly claim: string;
  readonly leaseMs: string;
  /** The methods whose jobs run in the process that claims them, unless it is for suspects, and its instance. */
  readonly here?: string;
  readonly instance?: string;
}

/** What a claim stores: the prefix tells its replica from those of versions that know no suspects. */
export const claimed = ({ claim, leaseMs, here = 'NULL', instance = 'NULL' }: ClaimSql) =>
  `claim = '2.' || ${claim} || CASE WHEN method = ANY(${here}::text[]) AND coalesce(${QUARANTINED} <> ${instance}::text, true) THEN '${HERE}' ELSE '' END,
   attempts = attempts + 1, claims = claims + 1, due_time = clock_timestamp() + ${leaseMs} * interval '1 ms',
   next_time = NULL, avoids = ${QUARANTINED}`;

/** Whether the attempt runs in the process that has claimed it. */
export const runsHere = ({ claim }: Pick<Attempt, 'claim'>): boolean => claim.endsWith(HERE);
/** The same of a row; a claim may have a plus sign behind it. */
export const RUNS_HERE = `rtrim(claim, '+') LIKE '%${HERE}'`;

/** The idempotency key of a job's calls. */
export const keyOf = ({ id, uid, version }: Pick<Attempt, 'id' | 'uid' | 'version'>): string =>
  `job-${uid === null || uid === NO_UID ? id : uid}-${version}`;

/** A claim of what is due. */
export interface Claim {
  readonly wanted: readonly Wanted[];
  /** Names it. */
  readonly claim: string;
  /** The methods whose jobs this process runs itself, and its instance, if that is known. */
  readonly here?: { readonly methods: readonly string[]; readonly instance: string | null };
}

/** The parameters of a claim after those that say what is wanted. */
export const claimParams = ({ claim, here }: Claim) =>
  [claim, LEASE_MS, here?.methods ?? [], here?.instance ?? null] as const;

/** How many jobs of a method a process takes. */
export interface Wanted {
  readonly method: string;
  readonly most: number;
  /** How many may run in all processes; null for no bound. */
  readonly maxRunning: number | null;
  /** How many of a key may run in all processes, and the key after which the next one has its turn; null if there is no such bound. */
  readonly perKey?: { readonly running: number; readonly after: string } | null;
}

/** What a process has taken. */
export interface Claimed {
  readonly attempts: readonly Attempt[];
  /** Whether there may be more. */
  readonly more: boolean;
}
