import { expect, it } from '@jest/globals';
import { cannotBind } from './startup-error.js';

it.each([
  [
    'listen EADDRINUSE: address already in use',
    'the port is in use; stop what holds it, or set RONDO_LISTEN to another',
  ],
  ['listen EACCES: permission denied', 'this user may not listen there, as with ports below 1024; set RONDO_LISTEN'],
  ['Name resolution failed for target dns:db:80', "the name can't be resolved; set RONDO_LISTEN to another address"],
  ['out of luck', 'out of luck; set RONDO_LISTEN to another address'],
])('explains "%s" once', (message, meaning) => {
  const cause = new Error("can't listen on db:80: inner", { cause: new Error(message) });
  const at = { host: 'db', port: 80 };
  const { message: said } = cannotBind({ what: 'listen on', at, variable: 'RONDO_LISTEN', cause });
  expect(said).toContain(`can't listen on db:80: ${meaning}`);
});
