import { expect, it } from '@jest/globals';
import { describeCreated } from './new.js';

const made = {
  kind: 'created' as const,
  service: 'notes',
  port: 50_060,
  files: [],
  methods: [{ method: 'notes.v1.NotesService/Get', file: 'services/notes/src/notes.ts' }],
  paste: [],
  exempt: [],
  unserved: [],
  byHand: [],
};

const NOT_RUNNING = { registry: '', portBase: 50_050, restart: undefined };

it.each([
  [false, '', "./rondo call notes.v1.NotesService/Get '{}'\n      Calls it.\n"],
  [true, '', './rondo describe notes.v1.NotesService/Get\n      Prints its messages, and a call to start from.\n'],
  [true, ' --registry 127.0.0.1:5', './rondo describe notes.v1.NotesService/Get --registry 127.0.0.1:5\n'],
])('names a next command that works: rules refuse {} is %s, registry %s', (refusesEmpty, registry, next) => {
  expect(describeCreated({ ...made, refusesEmpty }, true, { ...NOT_RUNNING, registry })).toContain(`  ${next}`);
});

it('says when that command works if the service is not started', () => {
  const text = describeCreated({ ...made, refusesEmpty: true }, false, NOT_RUNNING);
  expect(text).toContain(
    'Prints its messages, and a call to start from while it runs: npm start serves it at 127.0.0.1:50060.\n',
  );
});

it('says how it is started in a system that runs, and where it listens there', () => {
  const running = { ...NOT_RUNNING, portBase: 51_050, restart: (service: string) => `./rondo restart ${service}` };
  const text = describeCreated({ ...made, refusesEmpty: false }, false, running);
  expect(text).toContain('Calls it while it runs: ./rondo restart notes starts it at 127.0.0.1:51060.\n');
});

it('says why a resource is not served by itself', () => {
  const byHand = ['notes.v1.Note: tags has the type map, which needs columns of its own'];
  const text = describeCreated({ ...made, byHand, refusesEmpty: false }, true, NOT_RUNNING);
  expect(text).toContain('Its methods are yours to write: notes.v1.Note: tags has the type map');
});

it('says what belongs into files that it left alone, and how the service is built then', () => {
  const paste = [{ file: 'docker-compose.yml', lines: '+  notes:\n+    image: notes' }];
  const text = describeCreated({ ...made, paste, refusesEmpty: false }, false, NOT_RUNNING);
  expect(text).toContain('Put into docker-compose.yml:\n  +  notes:\n  +    image: notes\n');
  expect(text).toContain('./rondo install && ./rondo build');
});
