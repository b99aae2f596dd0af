/** Tells of long work, step by step. */
export interface Progress {
  /** Does one step and tells how it ended. */
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>;
}
