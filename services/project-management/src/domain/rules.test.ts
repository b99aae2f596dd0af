import { describe, expect, it } from '@jest/globals';
import { memberNames, projectNames, taskName, taskNames } from './names.js';
import { capacityFault, effortFault, emailFault, firstTasksFault, titleFault } from './rules.js';

describe('titles', () => {
  it.each(['a', '🚀'.repeat(200), ' indented', "'; DROP TABLE tasks; --"])('may be %j', (title) => {
    expect(titleFault(title)).toBeUndefined();
  });

  it.each(['', '   ', '🚀'.repeat(201), 'a\nb', 'a\u0000'])('must not be %j', (title) => {
    expect(titleFault(title)).toBeDefined();
  });
});

describe('e-mail addresses', () => {
  it.each(['a@b', 'Ada.Lovelace+work@example.co.uk', "o'brien@example.com"])('may be %s', (email) => {
    expect(emailFault(email)).toBeUndefined();
  });

  it.each(['', 'ada', '@b', 'a@', 'a@b@c', 'a b@c', 'ä@b.de', 'a@b\n', `${'a'.repeat(250)}@b.de`])(
    'must not be %j',
    (email) => {
      expect(emailFault(email)).toBeDefined();
    },
  );
});

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
