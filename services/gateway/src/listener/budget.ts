/** The memory that requests, or answers, may take while they wait, in all connections together. */
export interface Budget {
  /** Takes bytes from the budget; a negative number gives bytes back. Returns false, and takes nothing, if there are too few. */
  take(bytes: number): boolean;
  /** How many are taken. */
  readonly taken: number;
}

export function createBudget(maxBytes: number): Budget {
  let taken = 0;
  return {
    take(bytes) {
      if (bytes > 0 && taken + bytes > maxBytes) return false;
      taken += bytes;
      return true;
    },
    get taken() {
      return taken;
    },
  };
}
