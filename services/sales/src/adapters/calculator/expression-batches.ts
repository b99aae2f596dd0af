/** An expression that waits for its value. */
interface Waiting {
  readonly expression: string;
  readonly settle: (outcome: Promise<string>) => void;
}

/** What computes, and how much at once. */
export interface BatchOptions {
  /** The values of expressions, in their order; each may fail for itself, or all together. */
  readonly evaluate: (expressions: readonly string[]) => Promise<readonly Promise<string>[]>;
  /** What a call can carry. */
  readonly maxCharacters: number;
  /** How many may wait for a call. */
  readonly maxWaiting: number;
  /** What to fail with where more would. */
  readonly tooMany: () => Error;
}

/** With a second, one that hangs doesn't hold up everybody. */
const MAX_CALLS = 2;

/**
 * Evaluates what is asked for at the same time in one call: what comes in one turn of the event loop goes together, and
 * what comes while calls are under way goes with the next. So a caller by itself never waits for company, and a thousand
 * share a few calls.
 */
export function createExpressionBatches(options: BatchOptions): (expression: string) => Promise<string> {
  const { evaluate, maxCharacters, maxWaiting, tooMany } = options;
  const waiting: Waiting[] = [];
  let calls = 0;
  let scheduled = false;

  const send = async (): Promise<void> => {
    if (calls === MAX_CALLS || waiting.length === 0) return;
    calls += 1;
    const batch = waiting.splice(0, fitting(waiting, maxCharacters));
    try {
      const answer = evaluate(batch.map(({ expression }) => expression));
      void send(); // what didn't fit
      const values = await answer;
      for (const [index, { settle }] of batch.entries()) settle(values[index] ?? missing());
    } catch (error) {
      for (const { settle } of batch) settle(Promise.reject(error));
    } finally {
      calls -= 1;
      void send();
    }
  };
  // Once all that arrived with it is read: a turn brings what several connections have to say.
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void send();
    });
  };

  return (expression) => {
    if (waiting.length >= maxWaiting) return Promise.reject(tooMany());
    return new Promise((resolve) => {
      waiting.push({ expression, settle: resolve });
      schedule();
    });
  };
}

/** How many of them go into one call: one at least. */
function fitting(waiting: readonly Waiting[], maxCharacters: number): number {
  let characters = 0;
  const index = waiting.findIndex(({ expression }) => {
    characters += expression.length;
    return characters > maxCharacters;
  });
  return index < 0 ? waiting.length : Math.max(1, index);
}

function missing(): Promise<string> {
  return Promise.reject(new Error('the calculator left an expression out'));
}
