import { expect, it } from '@jest/globals';
import { samplerOf } from './sampler.js';

const LOW = '4bf92f3577b34da6a3ce929d00000000';
const HIGH = '4bf92f3577b34da6a3ce929dffffffff';
const parent = (traceFlags: number) => ({ traceId: LOW, spanId: '00f067aa0ba902b7', traceFlags });

/** Whether it records a root of the lowest and of the highest trace id, and below a parent that is and isn't sampled. */
function decisions(name: string, argument = '') {
  const warnings: string[] = [];
  const variables = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument };
  const sampler = samplerOf(variables, (text) => warnings.push(text));
  const of = [sampler(LOW, undefined), sampler(HIGH, undefined), sampler(HIGH, parent(1)), sampler(LOW, parent(0))];
  return [of.map((isRecorded) => (isRecorded ? 'y' : 'n')).join(''), ...warnings.map((text) => text.split(' ')[0])];
}

it.each([
  ['', '', 'yyyn'],
  ['parentbased_always_on', '', 'yyyn'],
  ['parentbased_always_off', '', 'nnyn'],
  ['parentbased_traceidratio', '0.5', 'ynyn'],
  ['parentbased_traceidratio', '0', 'nnyn'],
  ['parentbased_traceidratio', '1', 'yyyn'],
  ['always_on', '', 'yyyy'],
  ['always_off', '', 'nnnn'],
  ['traceidratio', '0.5', 'ynny'],
])('%s %s decides as its name says', (name, argument, expected) => {
  expect(decisions(name, argument)).toEqual([expected]);
});

it('tells of what is wrong, and then samples as by default', () => {
  expect(decisions('sometimes')).toEqual(['yyyn', 'OTEL_TRACES_SAMPLER']);
  expect(decisions('traceidratio')).toEqual(['yyyy', 'OTEL_TRACES_SAMPLER_ARG']);
  expect(decisions('parentbased_traceidratio', '2')).toEqual(['yyyn', 'OTEL_TRACES_SAMPLER_ARG']);
});
