import type { Queries } from '@rondo/database';
import type { SagaKind, Sagas } from '@rondo/transactions';
import { nameOf } from '../domain/names.js';
import type { Afterwards, Projects } from '../domain/ports.js';

/** The saga that withdraws the project of a cancelled order. */
export type Withdrawal = SagaKind<{ readonly project: string }>;

/** Defines what a cancelled order leaves to be done. */
export function defineWithdrawal(sagas: Pick<Sagas, 'define'>, projects: Pick<Projects, 'archive'>): Withdrawal {
  return sagas.define<{ readonly project: string }>({
    kind: 'cancel-order',
    steps: [{ name: 'archive-project', run: ({ input }) => projects.archive(input.project) }],
  });
}

/** Defines what migration 0004 has started for each acceptance that was half done by then. */
export function defineFinishing(sagas: Pick<Sagas, 'define'>, finish: (quoteId: string) => Promise<void>): void {
  sagas.define<{ readonly quote: string }>({
    kind: 'finish-acceptance',
    steps: [{ name: 'create-project', run: ({ input }) => finish(input.quote) }],
  });
}

/** What is done once the transaction of `queries` is committed. */
export function createAfterwards(queries: Queries, withdrawal: Withdrawal): Afterwards {
  return {
    async withdraw({ id }, project) {
      await withdrawal.start(queries, { id: `cancel-order-${id}`, subject: nameOf('order', id), input: { project } });
    },
  };
}
