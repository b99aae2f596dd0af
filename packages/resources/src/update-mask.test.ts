import { describe, expect, it } from '@jest/globals';
import { readUpdateMask } from './update-mask.js';

const PATHS = ['title', 'sku'] as const;

function named(mask: readonly string[] | undefined) {
  const faults: string[] = [];
  const has = readUpdateMask((fault) => faults.push(fault), mask, { title: true, sku: false });
  return { paths: PATHS.filter(has), faults };
}

describe('an update mask', () => {
  it('names fields, or all of them, or none: then those that are set are meant', () => {
    expect(named(['sku'])).toEqual({ paths: ['sku'], faults: [] });
    expect(named(['*'])).toEqual({ paths: ['title', 'sku'], faults: [] });
    expect(named([])).toEqual({ paths: ['title'], faults: [] });
    expect(named(undefined)).toEqual({ paths: ['title'], faults: [] });
  });

  it('names nothing that can’t be updated', () => {
    expect(named(['title', 'name', 'toString']).faults).toEqual(['must be of title, sku; it names "name", "toString"']);
  });
});
