import { expect, it } from '@jest/globals';
import { NotFound, OutOfSight } from '@rondo/resources/domain';
import { requireInSight, sightOf } from './access.js';

const ada = { subject: 'ada', scopes: ['sales.read', 'sales.write'] };
const admin = { subject: 'root', scopes: ['sales.admin'] };
const order = { kind: 'order', id: 'o1' } as const;

it('shows a salesperson what is theirs, and an administrator everything', () => {
  expect(() => requireInSight(ada, { ...order, salesperson: 'ada' })).not.toThrow();
  expect(() => requireInSight(admin, { ...order, salesperson: 'bob' })).not.toThrow();
  expect([sightOf(ada), sightOf(admin)]).toEqual(['ada', undefined]);
});

it('hides what is of another, or of no salesperson, behind the error of what does not exist', () => {
  const missing = thrown(() => requireInSight(ada, { ...order, salesperson: undefined }));
  expect(missing).toBeInstanceOf(NotFound);
  for (const salesperson of ['bob', '', 'ADA', 'ada ']) {
    const hidden = thrown(() => requireInSight(ada, { ...order, salesperson }));
    expect(hidden).toBeInstanceOf(OutOfSight);
    expect(hidden).toMatchObject({ cause: missing });
  }
});

it('shows nothing to a principal without a name', () => {
  const nameless = { subject: '', scopes: [] };
  expect(sightOf(nameless)).toBeNull();
  expect(thrown(() => requireInSight(nameless, { ...order, salesperson: '' }))).toBeInstanceOf(OutOfSight);
});

function thrown(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
