import { describe, expect, it } from '@jest/globals';
import { knownServices } from '@rondo/schema';
import { UsageError } from '../errors.js';
import { matchService } from './locate.js';

const SERVICES = [
  'calculator.Calculator',
  'calculator.v1.CalculatorService',
  'projects.v1.ProjectService',
  'projects.v1.TaskService',
  'other.v1.TaskService',
];

describe('matchService', () => {
  it.each([
    ['projects.v1.ProjectService', 'projects.v1.ProjectService'],
    ['v1.ProjectService', 'projects.v1.ProjectService'],
    ['ProjectService', 'projects.v1.ProjectService'],
    ['project', 'projects.v1.ProjectService'],
    ['Project', 'projects.v1.ProjectService'],
    ['projectservice', 'projects.v1.ProjectService'],
    ['projects.v1.project', 'projects.v1.ProjectService'],
    // A closer reading hides the looser ones.
    ['CalculatorService', 'calculator.v1.CalculatorService'],
    ['Calculator', 'calculator.Calculator'],
    ['projects.v1.TaskService', 'projects.v1.TaskService'],
  ])('reads %s as %s', (name, expected) => {
    expect(matchService(name, SERVICES)).toBe(expected);
  });

  it.each(['ject', 'ProjectServic', 'v1', 'Nothing', '', 'Service'])('finds nothing for "%s"', (name) => {
    expect(matchService(name, SERVICES)).toBeUndefined();
  });

  it.each(['projects.v2.ProjectService', 'sales.v1.ProjectService', 'other.v1.Project', 'v2.Project'])(
    'never matches %s to a service of another package',
    (name) => {
      expect(matchService(name, SERVICES)).toBeUndefined();
    },
  );

  it('never matches a service of another contract if the named one is missing', () => {
    expect(matchService('calculator.v1.CalculatorService', ['calculator.Calculator'])).toBeUndefined();
  });

  it.each([
    ['calculator', 'calculator.Calculator, calculator.v1.CalculatorService'],
    ['TaskService', 'other.v1.TaskService, projects.v1.TaskService'],
  ])('refuses %s, which fits several services, and lists them', (name, candidates) => {
    expect(() => matchService(name, SERVICES)).toThrow(UsageError);
    expect(() => matchService(name, SERVICES)).toThrow(candidates);
  });
});

describe('knownServices', () => {
  it('suggests a similar service and lists all', () => {
    expect(knownServices('Projetc', SERVICES)).toMatch(
      /^Did you mean "projects.v1.ProjectService"\? There are: calculator/,
    );
    expect(knownServices('ProjectServic', SERVICES)).toMatch(/^Did you mean "projects.v1.ProjectService"\? /);
    expect(knownServices('projects', SERVICES)).toMatch(
      /^Did you mean "projects\.v1\.\w+"(?: or "projects\.v1\.\w+")*\? /,
    );
    expect(knownServices('Nothing', SERVICES)).toMatch(/^There are: /);
    expect(knownServices('Nothing', [])).toBe('no service is registered');
  });
});
