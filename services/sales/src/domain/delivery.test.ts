import { describe, expect, it } from '@jest/globals';
import { planDelivery, requireDeliverable } from './delivery.js';
import type { OfferLine } from './offer.js';
import { ZERO_PERCENT } from './percent.js';

const price = { currency: 'EUR', minorUnits: 100n };

function line(fields: Partial<OfferLine>): OfferLine {
  const defaults = { productId: 'p', quantity: 1n, discount: ZERO_PERCENT, title: 'Desk', unitPrice: price };
  return { ...defaults, deliveryEffortMinutes: 30n, ...fields };
}

function plan(lines: readonly OfferLine[], displayName = 'Ada') {
  return planDelivery({ id: 'q1', lines }, { displayName }, 'o1');
}

describe('planDelivery', () => {
  it('makes a task per line, with the effort of its whole quantity', () => {
    expect(plan([line({ quantity: 4n }), line({ title: 'Lamp', deliveryEffortMinutes: 0n })])).toEqual({
      quoteId: 'q1',
      orderId: 'o1',
      title: 'Quote q1 for Ada',
      tasks: [
        { title: '4 × Desk', effortMinutes: 120n },
        { title: '1 × Lamp', effortMinutes: 0n },
      ],
    });
  });

  it('shows the whole effort, up to the maximum of a task', () => {
    const most = line({ quantity: 1_000_000n, deliveryEffortMinutes: 10n });
    expect(plan([most]).tasks[0]?.effortMinutes).toBe(10_000_000n);
    expect(() => requireDeliverable([most, most])).not.toThrow();
  });

  it('refuses lines with more effort, which are named', () => {
    const lines = [line({}), line({ quantity: 1_000_001n, deliveryEffortMinutes: 10n })];
    expect(() => requireDeliverable(lines)).toThrow(
      'quote.lines[1].quantity: takes 10000010 minutes to deliver, and one line may take 10000000; split it',
    );
  });

  it('shortens long titles between characters', () => {
    const { title, tasks } = plan([line({ title: '🪑'.repeat(200) })], '🦊'.repeat(200));
    expect([...title]).toHaveLength(200);
    expect(title).toMatch(/^Quote q1 for (🦊)+…$/u);
    expect([...(tasks[0]?.title ?? '')]).toHaveLength(200);
  });
});
