import { describe, expect, it } from '@jest/globals';
import { memberNames, projectNames, taskName, taskNames } from './names.js';
import { capacityFault, effortFault, firstTasksFault } from './rules.js';

describe('numbers', () => {
  it('have bounds', () => {
    expect([0n, 10_000_000n].map(effortFault)).toEqual([undefined, undefined]);
    expect([-1n, 10_000_001n].map(effortFault)).not.toContain(undefined);
    expect([0n, 10_080n].map(capacityFault)).toEqual([undefined, undefined]);
    expect([-1n, 10_081n].map(capacityFault)).not.toContain(undefined);
    expect(firstTasksFault(100)).toBeUndefined();
    expect(firstTasksFault(101)).toBeDefined();
  });
});

describe('names', () => {
  it('are parsed into ids', () => {
    expect(projectNames.parse('projects/4f2a-1')).toBe('4f2a-1');
    expect(memberNames.parse('members/x')).toBe('x');
    const id = { projectId: 'p', taskId: 't' };
    expect(taskNames.parse(taskName(id))).toEqual(id);
  });

  it.each(['projects/', 'projects/-a', 'projects/A', 'projects/a/b', 'projects/a\n', `projects/${'a'.repeat(64)}`])(
    '%j is not a name',
    (name) => {
      expect(projectNames.parse(name)).toBeUndefined();
    },
  );
});
