import { describe, expect, it } from '@jest/globals';
import { Auth } from '@rondo/contracts/rondo/options/v1/options';
import { authOf, authText, checkAuth } from './auth-policy.js';

const auth = (partial: Partial<Auth>) => Auth.fromPartial(partial);

it.each([
  [{ public: true }, 'public'],
  [{ scopes: ['sales.read'] }, 'scope sales.read'],
  [{ scopes: ['a', 'b'], callers: ['sales', 'person/ada'] }, 'scopes a, b, from sales, person/ada'],
  [{ callers: ['*'] }, 'any process'],
])('%j is %s', (option, text) => {
  expect(checkAuth(auth(option))).toBeUndefined();
  expect(authText(authOf(auth(option)))).toBe(text);
});

it('a method without a rule is for no caller', () => expect(authText(undefined)).toBe('no caller'));

describe('a rule is refused', () => {
  it.each<readonly [Partial<Auth>, string]>([
    [{}, ' is empty'],
    [{ public: true, callers: ['sales'] }, '.public is for every caller, and'],
    [{ scopes: ['Sales'] }, '.scopes has "Sales"'],
    [{ scopes: ['a b'] }, '.scopes has "a b"'],
    [{ scopes: [''] }, '.scopes has ""'],
    [{ scopes: ['a'.repeat(65)] }, '.scopes has "aaa'],
    [{ scopes: Array.from({ length: 17 }, (_, index) => `s${index}`) }, '.scopes has 17; 16'],
    [{ scopes: ['a', 'a'] }, ' names "a" twice'],
    [{ callers: ['spiffe://a.b/sales'] }, '.callers has "spiffe://a.b/sales"'],
    [{ callers: ['/sales'] }, '.callers has "/sales"'],
    [{ callers: ['*', 'sales'] }, '.callers has * and names'],
    [{ callers: Array.from({ length: 65 }, (_, index) => `c${index}`) }, '.callers has 65; 64'],
  ])('%j', (option, reason) => {
    expect(checkAuth(auth(option))?.startsWith(reason)).toBe(true);
  });
});
