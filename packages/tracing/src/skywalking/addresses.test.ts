import { expect, it } from 'vitest';
import { parseAddresses } from './addresses.ts';

it.each([
  ['oap:11800', ['oap:11800']],
  ['a:1,b:2', ['a:1', 'b:2']],
  [' a:1 ,\tb:2 ', ['a:1', 'b:2']],
  ['oap.skywalking.svc', ['oap.skywalking.svc:11800']],
  ['10.0.0.1', ['10.0.0.1:11800']],
  ['[::1]:11801', ['[::1]:11801']],
  ['[fe80::1%eth0]', ['[fe80::1%eth0]:11800']],
  ['::1', ['[::1]:11800']],
  ['a:1,,b:2,', ['a:1', 'b:2']],
  ['a:1,a:1', ['a:1']],
  ['a:011800', ['a:11800']],
  ['ipv4:10.0.0.1:1,10.0.0.2:2', ['10.0.0.1:1', '10.0.0.2:2']],
  ['ipv6:[::1]:1', ['[::1]:1']],
  ['dns:///oap:1', ['oap:1']],
  ['dns:53', ['dns:53']],
  ['', []],
])('reads %j', (text, addresses) => {
  expect(parseAddresses(text)).toEqual({ addresses, rejected: [] });
});

it.each([
  'http://oap:11800',
  'oap:0',
  'oap:65536',
  'oap:http',
  'oap:',
  ':11800',
  'o ap:1',
  '[oap]:1',
  '[1::2::3]:1',
  '[::1',
  'a:1:2',
])('rejects %j and keeps the others', (entry) => {
  expect(parseAddresses(`a:1,${entry},b:2`)).toEqual({
    addresses: ['a:1', 'b:2'],
    rejected: [entry],
  });
});
