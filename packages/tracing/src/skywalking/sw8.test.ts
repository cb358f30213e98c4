import { expect, test } from 'vitest';
import { parseCorrelation, parseSw8, renderCorrelation, renderSw8, type Sw8 } from './sw8.ts';

const sw8: Sw8 = {
  sampled: true,
  traceId: '5af7ed1d3e154e36a4be5d01cc2e7e12',
  segmentId: '1.2.3',
  spanId: 2,
  service: 'orders',
  instance: 'orders-7f',
  endpoint: 'POST:/orders',
  peer: 'mq/orders',
};
const header =
  '1-NWFmN2VkMWQzZTE1NGUzNmE0YmU1ZDAxY2MyZTdlMTI=-MS4yLjM=-2-b3JkZXJz-b3JkZXJzLTdm-UE9TVDovb3JkZXJz-bXEvb3JkZXJz';

test('sw8 is rendered as the protocol says, and read back', () => {
  expect(renderSw8(sw8)).toBe(header);
  expect(parseSw8(header)).toEqual(sw8);
  expect(parseSw8(renderSw8({ ...sw8, sampled: false, peer: '', endpoint: 'Käse' }))).toEqual({
    ...sw8,
    sampled: false,
    peer: '',
    endpoint: 'Käse',
  });
});

test.each([
  ['nothing', ''],
  ['too few parts', '1-YQ==-YQ==-0-YQ==-YQ==-YQ=='],
  ['too many parts', `${header}-YQ==`],
  ['an unknown sample flag', header.replace(/^1/, '2')],
  ['a span id that is no number', header.replace('-2-', '-x-')],
  ['a negative span id', header.replace('-2-', '--1-')],
  ['an empty trace id', header.replace(/^1-[^-]*/, '1-')],
  ['a trace id with a space', header.replace(/^1-[^-]*/, '1-YSBi')],
  ['an empty segment id', header.replace('-MS4yLjM=-', '--')],
  ['an empty service', header.replace('-b3JkZXJz-', '--')],
  ['what is no base64', header.replace('b3JkZXJz', 'b3J!ZXJz')],
])('sw8 with %s is none', (_, malformed) => {
  expect(parseSw8(malformed)).toBeUndefined();
});

test('a correlation is rendered as the protocol says, and read back', () => {
  const values: [string, string][] = [
    ['tenant', 'blue'],
    ['user:id', 'a,b'],
  ];
  const rendered = renderCorrelation(values);
  expect(rendered).toBe('dGVuYW50:Ymx1ZQ==,dXNlcjppZA==:YSxi');
  expect(parseCorrelation(rendered ?? '')).toEqual(values);
});

test('a correlation holds three values below 128 bytes, as the protocol asks', () => {
  const values: [string, string][] = [
    ['long', 'x'.repeat(128)],
    ['a', 'x'.repeat(127)],
    ['b', '2'],
    ['c', '3'],
    ['d', '4'],
  ];
  expect(parseCorrelation(renderCorrelation(values) ?? '')).toEqual(values.slice(1, 4));
  expect(renderCorrelation([])).toBeUndefined();
});

test('pairs of a correlation that are malformed are left out', () => {
  expect(parseCorrelation('dGVuYW50:Ymx1ZQ==,nonsense,:YQ==,YQ==:!,YQ==:YQ==:YQ==')).toEqual([
    ['tenant', 'blue'],
  ]);
  expect(parseCorrelation('')).toEqual([]);
});
