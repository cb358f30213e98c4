// The instance: its first call, and the signals by which all calls learn that it stops.
import { describe, expect, it } from 'vitest';
import { createInstance } from './instance.ts';

const inside = (code: () => void): void => code();

describe('an instance', () => {
  it('has one first call', () => {
    const instance = createInstance();
    expect([1, 2, 3].map(() => instance.takeColdStart())).toEqual([true, false, false]);
    expect(createInstance().takeColdStart()).toBe(true);
  });

  it('aborts the signals of all calls when it stops, each inside of its call', () => {
    const instance = createInstance();
    const calls: string[] = [];
    const [one, other] = ['one', 'other'].map((name) =>
      instance.follow((code) => {
        calls.push(name);
        code();
      }),
    );
    expect(one?.signal).not.toBe(other?.signal);
    expect([one?.signal.aborted, instance.isStopping]).toEqual([false, false]);
    instance.stop();
    expect([one?.signal.aborted, other?.signal.aborted, instance.isStopping]).toEqual([
      true,
      true,
      true,
    ]);
    expect(one?.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(calls).toEqual(['one', 'other']);
  });

  it('gives a signal that has aborted to a call that begins afterwards', () => {
    const instance = createInstance();
    instance.stop();
    expect(instance.follow(inside).signal.aborted).toBe(true);
  });

  it('leaves the signal of a call alone that has ended', () => {
    const instance = createInstance();
    const following = instance.follow(inside);
    following.release();
    instance.stop();
    expect(following.signal.aborted).toBe(false);
  });
});
