import { describe, expect, it } from '@jest/globals';
import { ContextValues, createContextKey } from './values.js';

const user = createContextKey<{ name: string } | undefined>(undefined, { description: 'user' });

describe('the context of a call', () => {
  it("has a key's default until something is set, and again when that is deleted", () => {
    const context = new ContextValues();
    const tries = createContextKey(3);
    expect(context.get(tries)).toBe(3);
    expect(context.set(tries, 0).get(tries)).toBe(0);
    expect(context.delete(tries).get(tries)).toBe(3);
    expect(new ContextValues().delete(tries).get(tries)).toBe(3);
  });

  it('keeps undefined if that was set', () => {
    const context = new ContextValues();
    const limit = createContextKey<number | undefined>(10);
    expect(context.set(limit, undefined).get(limit)).toBeUndefined();
  });

  it('distinguishes keys with the same description', () => {
    const namesake = createContextKey<{ name: string } | undefined>(undefined, { description: 'user' });
    const context = new ContextValues().set(user, { name: 'Ada' });
    expect(context.get(user)).toEqual({ name: 'Ada' });
    expect(context.get(namesake)).toBeUndefined();
  });
});
