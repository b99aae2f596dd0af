import { describe, expect, it } from '@jest/globals';
import { mergeFile, movePins } from './merge-file.js';

const before = 'a\nb\nc\nd\ne\n';
const after = 'a\nb\nc\nd\nE\n';

describe('a file of the template', () => {
  it.each([
    ['that the template has not changed stays', { own: 'mine', before, after: before }, { text: 'mine' }],
    ['that is not edited becomes that of the new template', { own: before, before, after }, { text: after }],
    ['that is not edited goes with the template', { own: before, before, after: undefined }, { text: undefined }],
    ['that is new is written', { own: undefined, before: undefined, after }, { text: after }],
    ['that the app has removed stays away', { own: undefined, before, after }, { text: undefined }],
    [
      'that is edited elsewhere gets both changes',
      { own: `A${before.slice(1)}`, before, after },
      { text: 'A\nb\nc\nd\nE\n' },
    ],
  ])('%s', async (_, versions, expected) => {
    expect(await mergeFile(versions)).toEqual(expected);
  });

  it('stays if it is edited in the same lines, and tells those of the new template', async () => {
    const own = before.replace('e', 'mine');
    expect(await mergeFile({ own, before, after })).toEqual({ text: own, lines: '-e\n+E' });
    expect(await mergeFile({ own, before, after: undefined })).toMatchObject({
      text: own,
      lines: expect.stringMatching(/^-a$/m),
    });
    expect(await mergeFile({ own, before: undefined, after })).toMatchObject({
      text: own,
      lines: expect.stringMatching(/^\+a$/m),
    });
  });
});

it('moves the pins of the template, and no others', () => {
  const pins = (versions: object) => JSON.stringify({ devDependencies: versions }, undefined, 2);
  const moved = movePins(pins({ jest: '1.0.0', mine: '1.0.0', typescript: '7.1.0' }), {
    before: pins({ jest: '1.0.0', typescript: '7.0.0' }),
    after: pins({ jest: '2.0.0', typescript: '7.0.2' }),
  });
  expect(moved).toBe(pins({ jest: '2.0.0', mine: '1.0.0', typescript: '7.1.0' }));
});
