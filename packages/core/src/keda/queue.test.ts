// `/queue` in the shape of each version of the add-on.
import { describe, expect, it } from 'vitest';
import { toQueue } from './queue.ts';

describe('the queue', () => {
  it('of add-on 0.5 knows a function from its first request on', () => {
    expect(toQueue('0.5', 'ns/f', { open: 0, total: 0 })).toEqual({});
    expect(toQueue('0.5', 'ns/f', { open: 3, total: 120 })).toEqual({ 'ns/f': 3 });
    expect(toQueue('0.5', 'ns/f', { open: 0, total: 120 })).toEqual({ 'ns/f': 0 });
  });

  it('of the current add-on knows it at once, and counts its requests', () => {
    expect(toQueue('current', 'ns/f', { open: 0, total: 0 })).toEqual({
      'ns/f': { Concurrency: 0, RequestCount: 0 },
    });
    expect(toQueue('current', 'ns/f', { open: 3, total: 120 })).toEqual({
      'ns/f': { Concurrency: 3, RequestCount: 120 },
    });
  });
});
