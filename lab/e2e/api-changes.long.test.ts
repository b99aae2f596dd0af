import { expect, it } from '@jest/globals';
import { root } from '@rondo/harness';
import { breaking, pagesOf } from '../packages/api-changes.mjs';

const page = await pagesOf(root);
const CREATE = 'function createChannel(options: ChannelOptions): Channel;';
const OPTION = '| <a id="property-servers"></a> `servers?` | `readonly` | readonly `string`[] |';
const IN_OPTIONS = '@rondo/rpc/client ChannelOptions:';
const HEAD = '### createChannel()\n';

it.each([
  { what: 'a function is gone', from: CREATE, to: '', expected: [`- @rondo/rpc/client createChannel: ${CREATE}`] },
  { what: 'a name is gone', from: HEAD, to: '', expected: [`- @rondo/rpc/client createChannel: ${CREATE}`] },
  {
    what: 'a parameter changes',
    from: CREATE,
    to: CREATE.replace('ChannelOptions', 'string'),
    expected: [`- @rondo/rpc/client createChannel: ${CREATE}`],
  },
  { what: 'an option is gone', from: OPTION, to: '', expected: [`- ${IN_OPTIONS} servers?: readonly string[]`] },
  {
    what: 'an option must be given',
    from: OPTION,
    to: `| <a id="property-region"></a> \`region\` | \`readonly\` | \`string\` | Where. | - |\n${OPTION}`,
    expected: [`+ ${IN_OPTIONS} region: string`],
  },
  {
    what: 'an option is new',
    from: OPTION,
    to: `| <a id="property-region"></a> \`region?\` | \`readonly\` | \`string\` | Where. | - |\n${OPTION}`,
    expected: [],
  },
  {
    what: 'a function is new',
    from: HEAD,
    to: `### make()\n\n\`\`\`ts\nfunction make(): void;\n\`\`\`\n\n${HEAD}`,
    expected: [],
  },
  { what: 'a docstring changes', from: 'Creates a channel.', to: 'Makes a channel.', expected: [] },
])('when $what, the breaking changes are listed', ({ from, to, expected }) => {
  const changed = page.replace(from, to);
  expect(changed).not.toBe(page);
  expect(breaking(page, changed)).toEqual(expected);
});
