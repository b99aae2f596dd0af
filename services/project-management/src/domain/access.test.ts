import { expect, it } from '@jest/globals';
import { NotFound, NotPermitted, OutOfSight } from '@rondo/resources/domain';
import { accessOf, requireInSight, requireMayChangeMembers, requireMayUse, sightOf } from './access.js';

const ada = { subject: 'ada', scopes: ['projects.read', 'projects.write'] };
const admin = { subject: 'root', scopes: ['projects.admin'] };
const missing = new NotFound(['projects/p1'], 'list the projects with ListProjects');

it('shows a member the projects of its team, an administrator all, and a person who is no member none', () => {
  expect(sightOf(accessOf(ada, 'north'))).toBe('north');
  expect(sightOf(accessOf(ada, ''))).toBe('');
  expect(sightOf(accessOf(admin, undefined))).toBeUndefined();
  expect(sightOf(accessOf(ada, undefined))).toBeNull();
});

it('hides the projects of other teams, also those of the empty one, behind the error of a missing project', () => {
  expect(() => requireInSight(accessOf(ada, 'north'), 'north', missing)).not.toThrow();
  expect(() => requireInSight(accessOf(ada, 'north'), undefined, missing)).toThrow(NotFound);
  for (const [own, team] of [
    ['north', 'south'],
    ['north', ''],
    ['', 'north'],
    [undefined, ''],
  ]) {
    expect(() => requireInSight(accessOf(ada, own), team, missing)).toThrow(OutOfSight);
  }
});

it('lets only administrators move projects and change members', () => {
  expect(() => requireMayUse(accessOf(ada, 'north'), 'projects/p1', 'north')).not.toThrow();
  expect(() => requireMayUse(accessOf(ada, 'north'), 'projects/p1', 'south')).toThrow(NotPermitted);
  expect(() => requireMayUse(accessOf(ada, undefined), 'projects', '')).toThrow(NotPermitted);
  expect(() => requireMayUse(accessOf(admin, undefined), 'projects/p1', 'south')).not.toThrow();
  expect(() => requireMayChangeMembers(ada, 'members/m1')).toThrow(NotPermitted);
  expect(() => requireMayChangeMembers(admin, 'members/m1')).not.toThrow();
});
