import { expect, it } from '@jest/globals';
import { registryAddresses } from './default-channel.js';

it.each([
  ['nothing', undefined, ['127.0.0.1:50050']],
  ['an empty value', ' ', ['127.0.0.1:50050']],
  ['one', 'r:1', ['r:1']],
  ['several, with spaces and a comma too many', ' r:1, r:2,', ['r:1', 'r:2']],
])('the registry of the default channel is read from %s', (_name, list, addresses) => {
  expect(registryAddresses(list)).toEqual(addresses);
});
