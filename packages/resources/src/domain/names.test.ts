import { describe, expect, it } from '@jest/globals';
import { namePattern } from './names.js';

const quotes = namePattern('quotes/{quote}', (id) => id);

describe('resource names', () => {
  it('are parsed by their pattern', () => {
    expect(quotes.parse('quotes/4f2a')).toBe('4f2a');
    expect(quotes.pattern).toBe('quotes/{quote}');
  });

  it('may have several ids', () => {
    const tasks = namePattern('projects/{project}/tasks/{task}', (project, task) => ({ project, task }));
    expect(tasks.parse('projects/p/tasks/t')).toEqual({ project: 'p', task: 't' });
    expect(tasks.parse('projects/p/tasks')).toBeUndefined();
  });

  it.each([
    '',
    'quotes/',
    '4f2a',
    'orders/4f2a',
    'quotes/4f2a/lines',
    'quotes/4F2A',
    ' quotes/4f2a',
    `quotes/${'a'.repeat(64)}`,
  ])('refuses "%s" as a quote', (name) => expect(quotes.parse(name)).toBeUndefined());
});
