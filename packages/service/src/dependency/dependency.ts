/** Something that a service can't serve without: its own database, say, never another service. */
export interface Dependency {
  /** As it stands in a sentence, with its address: `the database at db:5432`. No password in it. */
  readonly name: string;
  /**
   * Resolves when it answers, rejects with the reason when it doesn't. It is called for as long as the service runs:
   * within 3 s each time, and within 60 s until it first succeeds, so that it may prepare what it checks before that.
   */
  check(signal: AbortSignal): Promise<void>;
  /**
   * How long it may be away, once it was there, before callers are turned away: for one whose users wait until it is
   * back, as those of a database that is restarted. Milliseconds; by default the second failed check in a row counts.
   */
  readonly graceMs?: number;
}
